import t from 'tap'
import { createBudget, type TurnRequest, type Turn } from '../../../services/network/budget.ts'
import { createCircuit } from '../../../services/network/circuit.ts'
import { readRetryAfter } from '../../../services/network/headers.ts'
import { handClock } from '../../helpers/hand-clock.ts'

const limits = { perSecond: 10, burst: 10, calls: 4, transfers: 2 }
const call: TurnRequest = { lane: 'calls', urgent: false, patienceMs: 30_000 }
const settled = async (): Promise<void> => { await new Promise((resolve) => { setImmediate(resolve) }) }

function make (over: Partial<typeof limits> = {}) {
  const clock = handClock()
  const budget = createBudget({ host: 'models.example', limits: { ...limits, ...over }, clock, random: () => 0.5 })
  return { clock, budget }
}

t.test('never more than the slots of a lane are under way, and lanes do not wait for each other', async (t) => {
  const { budget } = make({ calls: 2, transfers: 1 })
  const granted: Turn[] = []
  for (let n = 0; n < 4; n++) budget.take(call).then((turn) => granted.push(turn), t.fail)
  await settled()
  t.equal(granted.length, 2)
  const transfer = await budget.take({ ...call, lane: 'transfers' })
  t.same(budget.state().active, { calls: 2, transfers: 1 })
  granted[0]?.release()
  granted[0]?.release()
  await settled()
  t.equal(granted.length, 3, 'a turn is given back once')
  transfer.release()
  t.same(budget.state(), { rate: 10, limit: 10, active: { calls: 2, transfers: 0 }, waiting: 1, pausedUntil: null })
})

t.test('the rate holds over any second beyond the burst', async (t) => {
  const { budget, clock } = make({ calls: 1000 })
  const times: number[] = []
  for (let n = 0; n < 60; n++) budget.take(call).then((turn) => { times.push(clock.monotonic()); turn.release() }, t.fail)
  for (let step = 0; step < 60; step++) {
    await settled()
    clock.advance(100)
  }
  t.equal(times.length, 60)
  for (const from of times) t.ok(times.filter((time) => time >= from && time < from + 1000).length <= 20, 'burst and one second')
  t.ok((times.at(-1) ?? 0) >= 4900, 'fifty beyond the burst take five seconds')
})

t.test('429 halves the rate once for all that were under way, pauses for Retry-After, and heals slowly', async (t) => {
  const { budget, clock } = make()
  const turns = await Promise.all([budget.take(call), budget.take(call), budget.take(call)])
  for (const turn of turns) {
    clock.advance(1)
    budget.report(turn, 429, 60)
    turn.release()
  }
  t.equal(budget.state().rate, 5, 'three refusals of one wave are one')
  t.equal(budget.state().pausedUntil, clock.now() + 60_000)
  await t.rejects(budget.take(call), { kind: 'unavailable', code: 'rate-limited', fields: { retry_after: 60 }, message: /Rate limited/ })
  let granted: Turn | undefined
  budget.take({ ...call, patienceMs: 60_000 }).then((turn) => { granted = turn }, t.fail)
  clock.advance(59_999)
  await settled()
  t.equal(granted, undefined, 'not a moment before')
  clock.advance(1)
  await settled()
  t.ok(granted)
  granted?.release()
  for (let n = 0; n < 50; n++) {
    clock.advance(1000)
    const turn = await budget.take(call)
    budget.report(turn, 200, undefined)
    turn.release()
  }
  t.ok(Math.abs(budget.state().rate - 7.5) < 0.01, 'half of the way after fifty answers')
})

t.test('a pause ordered while others wait refuses only those with less patience', async (t) => {
  const { budget, clock } = make({ calls: 1 })
  const turn = await budget.take(call)
  const impatient = budget.take({ ...call, patienceMs: 1000 })
  const patient = budget.take({ ...call, patienceMs: 1_000_000 })
  budget.report(turn, 429, 300)
  await t.rejects(impatient, { code: 'rate-limited' })
  turn.release()
  clock.advance(300_000)
  t.ok(await patient)
})

t.test('without Retry-After the pauses grow; 503 slows down and stops nothing', async (t) => {
  const { budget, clock } = make()
  for (const expected of [1500, 3000, 6000, 12_000, 24_000, 30_000, 30_000]) {
    const turn = await budget.take(call)
    clock.advance(1)
    budget.report(turn, 429, undefined)
    turn.release()
    t.equal((budget.state().pausedUntil ?? 0) - clock.now(), expected)
    clock.advance(60_000)
  }
  const other = make()
  const turn = await other.budget.take(call)
  other.budget.report(turn, 503, undefined)
  t.match(other.budget.state(), { rate: 5, pausedUntil: null })
})

t.test('who is waited for goes first, and a cancelled one leaves the queue', async (t) => {
  const { budget } = make({ calls: 1 })
  const order: string[] = []
  const first = await budget.take(call)
  const controller = new AbortController()
  const cancelled = budget.take({ ...call, signal: controller.signal })
  const wait = (name: string, urgent: boolean) => budget.take({ ...call, urgent }).then((turn) => { order.push(name); turn.release() })
  const all = [wait('bulk 1', false), wait('bulk 2', false), wait('user 1', true), wait('user 2', true)]
  controller.abort(new Error('no longer'))
  await t.rejects(cancelled, { message: 'no longer' })
  first.release()
  await Promise.all(all)
  t.same(order, ['user 1', 'user 2', 'bulk 1', 'bulk 2'])
  t.equal(budget.idle(), true)
})

t.test('a host that can not be reached rests longer and longer; slow ones get more patience; people are let through', async (t) => {
  const clock = handClock()
  const circuit = createCircuit({ host: 'models.example', clock })
  const fail = (outcome: 'unreachable' | 'timeout') => { clock.advance(1); circuit.report(outcome, clock.monotonic()) }
  fail('unreachable')
  fail('unreachable')
  circuit.check(false)
  circuit.report('unreachable', clock.monotonic() - 1)
  circuit.check(false)
  fail('unreachable')
  t.throws(() => { circuit.check(false) }, { kind: 'unavailable', code: 'host-offline', message: /offline/, fields: { retry_after: 30 } })
  circuit.check(true)
  clock.advance(30_000)
  circuit.check(false)
  for (const seconds of [60, 120, 240, 300, 300]) {
    fail('unreachable')
    t.equal(circuit.restLeft(), seconds * 1000)
  }
  circuit.report('reached', clock.monotonic())
  circuit.check(false)
  for (let n = 0; n < 5; n++) fail('timeout')
  circuit.check(false)
  fail('timeout')
  t.equal(circuit.restLeft(), 30_000)
})

t.test('Retry-After is read as seconds or a date, and never trusted beyond 15 minutes', async (t) => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  for (const [text, seconds] of [['7', 7], ['0', 0], ['1.2', 2], ['999999', 900], ['Thu, 01 Jan 2026 00:01:00 GMT', 60], ['Thu, 01 Jan 2015 00:01:00 GMT', 0], ['soon', undefined], ['', undefined], ['-5', undefined]] as const) {
    t.equal(readRetryAfter({ 'retry-after': text }, now), seconds, text)
  }
  t.equal(readRetryAfter({}, now), undefined)
})
