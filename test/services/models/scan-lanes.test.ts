import { join } from 'node:path'
import t from 'tap'
import { doScanJobs, type ScanLanes } from '../../../services/models/scan-crew.ts'
import type { ScanJob, ScanJobResult } from '../../../services/models/scan-hand.ts'
import { startScanThread } from '../../../services/models/scan-thread.ts'
import type { ScanRequest, ScanRoot } from '../../../services/models/scan-types.ts'
import { migrateSidecarOverlay } from '../../../services/models/sidecar-overlay.ts'
import { createStateDatabase } from '../../../services/database/state.ts'
import { createPulseMemory, pulseOver, watchPulse } from '../../../services/workers/pulse.ts'
import { putModel, scanBench, silent, type ScanBench } from '../../helpers/scan-bench.ts'

const job = (name: number): ScanJob => ({ root: 0, directory: '/m', folder: '', names: [`${name}`], beside: [0], previews: [''], rows: null })
const looked = ({ names }: ScanJob, count = names.length): ScanJobResult => ({ count, looks: new Float64Array(0), rows: [], unread: [] })

/** Takes every second job and answers in the wrong order, no earlier than it is waited for. */
function tardyLanes (answers = Infinity): ScanLanes & { given: number[] } {
  const held: { number: number, job: ScanJob }[] = []
  let ready: { number: number, result: ScanJobResult }[] = []
  const given: number[] = []
  return {
    given,
    give (number, job) {
      if (number % 2 === 0) return false
      held.push({ number, job })
      given.push(number)
      return true
    },
    take: () => ready.splice(0),
    wait () {
      ready = held.splice(0).reverse().map(({ number, job }) => ({ number, result: looked(job) }))
      return answers-- > 0
    }
  }
}

t.test('whoever does the jobs, they are settled in their order', (t) => {
  const settled: string[] = []
  const lanes = tardyLanes()
  const jobs = Array.from({ length: 300 }, (_, number) => job(number))
  t.equal(doScanJobs(jobs, looked, lanes, ({ names }) => { settled.push(...names) }), true)
  t.strictSame(settled, jobs.map(({ names }) => names[0]))
  t.equal(lanes.given.length, 150)
  t.end()
})

t.test('a stop while a lane is waited for, or within a job, ends it there', (t) => {
  const settled: string[] = []
  const settle = ({ names }: ScanJob): void => { settled.push(...names) }
  t.equal(doScanJobs([job(0), job(1), job(2)], looked, tardyLanes(0), settle), false)
  t.strictSame(settled, ['0'])
  t.equal(doScanJobs([job(3), job(4)], (one) => looked(one, 0), null, settle), false)
  t.strictSame(settled, ['0', '3'])
  t.end()
})

t.test('the root that hangs is that of the thread that sits in a call', (t) => {
  const memory = createPulseMemory()
  const [leader, lane, watch] = [pulseOver(memory), pulseOver(memory, 1), watchPulse(memory)]
  leader.beat(0)
  lane.beat(1)
  leader.rest()
  t.equal(watch.root(), 1)
  lane.rest()
  t.equal(watch.root(), -1)
  watch.stop()
  t.equal(lane.beat(1), false)
  t.equal(leader.rest(), false)
  t.end()
})

const MODELS = 2_100

function thread (b: ScanBench, root: ScanRoot, change: Partial<ScanRequest> = {}, onBatch: () => void = () => undefined): ReturnType<typeof startScanThread> {
  const request: ScanRequest = { type: 'lora', roots: [root], full: false, directories: null, known: [], dotDirectories: true, sweepBefore: null, ...change }
  return startScanThread({ ...b.files, request, hangMs: 30_000, onMessage: ({ kind }) => { if (kind === 'batch') onBatch() } })
}

function large (t: { teardown (work: () => void): void }): { b: ScanBench, root: ScanRoot, rows (): unknown[] } {
  const b = scanBench()
  const state = createStateDatabase(join(b.directory, 'settings'), silent)
  migrateSidecarOverlay(state)
  state.close()
  t.teardown(() => { b.close() })
  const root = b.root('loras')
  for (let i = 0; i < MODELS; i++) putModel(join(root.path, `d${i % 7}`), `m${i}`, { notes: `note ${i}`, tags: [`t${i % 5}`], sha256: i.toString(16).padStart(64, '0') })
  return { b, root, rows: () => b.store.db.prepare('SELECT file_path, packed, sidecar_size, file_inode, kept FROM models ORDER BY id').raw().all() }
}

t.test('a scan by several threads makes the rows that one makes, in the same order', async (t) => {
  const { b, root, rows } = large(t)
  b.scan([root])
  const alone = rows()
  t.equal(alone.length, MODELS)
  b.store.db.exec('DELETE FROM models; DELETE FROM sqlite_sequence')
  t.match(await thread(b, root).outcome, { kind: 'finished', report: { status: 'success', added: MODELS } })
  t.strictSame(rows(), alone)
  putModel(join(root.path, 'd3'), 'm3', { notes: 'edited' })
  t.match(await thread(b, root).outcome, { report: { added: 0, updated: 1, removed: 0, moved: 0 } })
  t.match(await thread(b, root).outcome, { report: { added: 0, updated: 0, removed: 0, moved: 0 } })
  t.match(await thread(b, root, { full: true }).outcome, { report: { added: 0, updated: MODELS, removed: 0 } })
})

t.test('one that is stopped keeps whole rows, and the next makes the others', async (t) => {
  const { b, root, rows } = large(t)
  const stopped = thread(b, root, {}, () => { stopped.stop() })
  t.match(await stopped.outcome, { kind: 'finished', report: { status: 'cancelled' } })
  const first = rows().length
  t.ok(first > 0 && first < MODELS, `${first} rows`)
  t.match(await thread(b, root).outcome, { report: { status: 'success', added: MODELS - first, updated: 0 } })
  t.equal(new Set(b.paths()).size, MODELS)
})
