import t from 'tap'
import { nodeDisk } from '../../../services/journal/disk.ts'
import type { JournalDisk } from '../../../services/journal/disk.ts'
import { newOperationId } from '../../../services/journal/journal.ts'
import { createLanes } from '../../../services/journal/lanes.ts'
import type { Operation } from '../../../services/journal/types.ts'
import { createWorld } from './world.ts'
import type { World } from './world.ts'

const UNITS = 12

/** Work that ends when it is told to. */
function gate (): { work: () => Promise<void>, open: () => void, begun: boolean } {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => { open = resolve })
  const made = {
    begun: false,
    open,
    work: async () => {
      made.begun = true
      await opened
    }
  }
  return made
}

/** All that can happen without anything from outside has happened. */
async function settled (): Promise<void> {
  await new Promise((resolve) => { setImmediate(resolve) })
}

t.test('units run side by side up to the lanes, and one that runs apart has them for itself', async (t) => {
  const lanes = createLanes(2)
  const [one, two, three, apart, last] = [gate(), gate(), gate(), gate(), gate()]
  const starts = (async () => {
    for (const [gated, alone] of [[one, false], [two, false], [three, false], [apart, true], [last, false]] as const) await lanes.start({}, gated.work, alone)
    await lanes.idle()
  })()
  const begun = (): boolean[] => [one, two, three, apart, last].map((each) => each.begun)
  await settled()
  t.same(begun(), [true, true, false, false, false])
  two.open()
  await settled()
  t.same(begun(), [true, true, true, false, false], 'a free lane is taken')
  one.open()
  await settled()
  t.same(begun(), [true, true, true, false, false], 'not by what runs apart')
  three.open()
  await settled()
  t.same(begun(), [true, true, true, true, false])
  apart.open()
  await settled()
  t.same(begun(), [true, true, true, true, true])
  last.open()
  await starts
})

t.test('what a unit does alone waits for the others, holds up new ones, and two of them take turns', async (t) => {
  const lanes = createLanes(4)
  const [other, late] = [gate(), gate()]
  const [failing, first, second] = [gate(), gate(), gate()]
  await lanes.start({}, other.work, false)
  for (const alone of [first, second]) {
    const unit = {}
    await lanes.start(unit, async () => {
      await failing.work()
      await lanes.alone(unit, alone.work)
    }, false)
  }
  failing.open()
  await settled()
  const starting = lanes.start({}, late.work, false)
  await settled()
  t.same([first.begun, second.begun, late.begun], [false, false, false])
  other.open()
  await settled()
  t.same([first.begun !== second.begun, late.begun], [true, false], 'one of them, and nothing new')
  const [now, next] = first.begun ? [first, second] : [second, first]
  now.open()
  await settled()
  t.same([next.begun, late.begun], [true, false])
  next.open()
  await starting
  t.ok(late.begun)
  late.open()
  await lanes.idle()
})

t.test('what a unit throws is thrown to who starts the next ones or waits for all', async (t) => {
  const lanes = createLanes(2)
  await lanes.start({}, async () => { await Promise.reject(new Error('broken')) }, false)
  await settled()
  await t.rejects(lanes.start({}, async () => { t.fail('nothing more is begun') }, false), { message: 'broken' })
  await t.rejects(lanes.idle(), { message: 'broken' })
})

function sharedFolder (world: World): Operation & { id: string } {
  return {
    id: newOperationId(),
    kind: 'bulk-move',
    route: 'test',
    summary: 'move',
    units: Array.from({ length: UNITS }, (_, n) => ({ key: String(n), label: String(n), steps: ['safetensors', 'png'].map((end) => ({ kind: 'move' as const, from: world.path(`a/${n}.${end}`), to: world.path(`new/folder/${n}.${end}`) })) }))
  }
}

/** Counts units that are in the middle of moving a file, and lets something happen at a link. */
function watched (onLink: (to: string) => void): { disk: JournalDisk, most: () => number } {
  let now = 0
  let most = 0
  return {
    most: () => most,
    disk: {
      ...nodeDisk,
      link: async (from, to) => {
        most = Math.max(most, ++now)
        try {
          onLink(to)
          await nodeDisk.link(from, to)
        } finally {
          now--
        }
      }
    }
  }
}

t.test('a dozen units of one operation run side by side; one that fails takes back its own folder only where nobody needs it', async (t) => {
  const world = createWorld(`${t.testdir({})}/library`)
  world.lay(Object.fromEntries(Array.from({ length: UNITS }, (_, n) => [[`a/${n}.safetensors`, `weights ${n}`], [`a/${n}.png`, `picture ${n}`]]).flat() as [string, string][]))
  const before = world.tree()
  const { disk, most } = watched((to) => {
    if (/\/[05]\.png$/.test(to)) throw Object.assign(new Error('the disk fails'), { code: 'EIO' })
  })
  const journal = world.journal(disk)
  const move = sharedFolder(world)
  const result = await journal.run(move)
  t.ok(most() > 1, `${most()} at once`)
  t.equal(result.state, 'partial')
  t.same(result.units.filter(({ ok }) => !ok).map(({ key, error }) => [key, error?.code]), [['0', 'io-error'], ['5', 'io-error']])
  const tree = world.tree()
  for (let n = 0; n < UNITS; n++) {
    const [here, gone] = n === 0 || n === 5 ? ['a', 'new/folder'] : ['new/folder', 'a']
    t.match(tree[`${here}/${n}.safetensors`], /weights/)
    t.match(tree[`${here}/${n}.png`], /picture/)
    t.notOk(tree[`${gone}/${n}.safetensors`] ?? tree[`${gone}/${n}.png`])
  }
  await journal.undo(move.id)
  t.same(world.tree(), before)
})

t.test('an intent whose writing was cut short is no operation: the next recovery drops it with all it kept', async (t) => {
  const world = createWorld(`${t.testdir({})}/library`)
  world.lay(Object.fromEntries(Array.from({ length: UNITS }, (_, n) => [`a/${n}.json`, `old ${n}`])))
  const before = world.tree()
  const change = (): Operation & { id: string } => ({ id: newOperationId(), kind: 'edit', route: 'test', summary: 'edit', units: Array.from({ length: UNITS }, (_, n) => ({ key: String(n), label: String(n), steps: [{ kind: 'write' as const, path: world.path(`a/${n}.json`), data: `new ${n}` }] })) })
  const journal = world.journal()
  await journal.recover()
  const done = await journal.run(change())
  await journal.undo(done.id)
  const count = (table: string): number => world.database().prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number
  const tables = ['journal_operations', 'journal_units', 'journal_contents']
  const kept = tables.map(count)
  // As a process leaves it that ends between two parts of the intent.
  const { id } = change()
  world.database().prepare("INSERT INTO journal_operations (id, kind, route, summary, state, created_at, units, files) VALUES (?, 'edit', 'test', 'cut', 'prepared', 1, 12, 0)").run(id)
  world.database().prepare("INSERT INTO journal_units (operation, n, key, label, state, actions) VALUES (?, 0, '0', '0', 'pending', '[]')").run(id)
  world.database().prepare('INSERT INTO journal_contents (operation, sha256, data) VALUES (?, ?, ?)').run(id, 'ab', Buffer.from('old'))
  world.crash()
  const next = world.journal()
  t.throws(() => next.operation(id), { code: 'operation-not-found' }, 'nobody sees it')
  t.notOk(next.operations({ limit: 10 }).items.some((one) => one.id === id))
  t.same((await next.recover()).operations, [], 'there is nothing to settle')
  t.same(tables.map(count), kept, 'and nothing of it is left')
  t.same(world.tree(), before)
})
