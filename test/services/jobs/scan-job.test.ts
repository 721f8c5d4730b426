import { once } from 'node:events'
import t from 'tap'
import type { Test } from 'tap'
import { createStateDatabase } from '../../../services/database/state.ts'
import { DomainError, ServiceNotReadyError } from '../../../services/errors.ts'
import { createScanJob, type ScanJob, type ScanJobDeps } from '../../../services/jobs/scan-job.ts'
import { createJobSystem } from '../../../services/jobs/system.ts'

const silent = { error () {}, warn () {}, info () {}, debug () {} }

interface Bench { scans: ScanJob<string>, begun: boolean[], release (): void, failWith (error: Error): void }

/** Scans that answer when they are let go, fail when told so, and stop when they are cancelled. */
function bench (t: Test, mayStart: ScanJobDeps<string>['mayStart'] = () => {}): Bench {
  const state = createStateDatabase(t.testdir({}), silent)
  const jobs = createJobSystem({ state, hub: { publish () {} }, logger: silent })
  t.teardown(async () => {
    await jobs.close()
    state.close()
  })
  const begun: boolean[] = []
  let open = (): void => undefined
  let gate = new Promise<void>((resolve) => { open = resolve })
  const scans = createScanJob<string>({
    jobs,
    kind: 'scan',
    title: ({ full }) => full ? 'Rebuild' : 'Scan',
    mayStart,
    async scan ({ full, signal }) {
      begun.push(full)
      await Promise.race([gate, once(signal, 'abort')])
      signal.throwIfAborted()
      return full ? 'rebuilt' : 'compared'
    },
    cancelled: 'cancelled'
  })
  return {
    scans,
    begun,
    release () { open() },
    failWith (error) {
      gate = Promise.reject(error)
      gate.catch(() => undefined)
    }
  }
}

t.test('who asks for a scan while one runs joins it; a rebuild waits for the comparison and begins anew', async (t) => {
  const { scans, begun, release } = bench(t)
  const [first, second] = [scans.run(), scans.run()]
  const rebuild = scans.run({ full: true })
  release()
  t.same(await Promise.all([first, second, rebuild]), ['compared', 'compared', 'rebuilt'])
  t.same(begun, [false, true])
  t.equal(scans.underWay(), undefined)
})

t.test('a signal cancels the scan that was started with it, and none that was joined', async (t) => {
  const { scans, release } = bench(t)
  const [own, other] = [new AbortController(), new AbortController()]
  const started = scans.run({ signal: own.signal })
  const joined = scans.run({ signal: other.signal })
  other.abort()
  t.ok(scans.underWay(), 'goes on')
  own.abort()
  t.same(await Promise.all([started, joined]), ['cancelled', 'cancelled'])
  const again = scans.run()
  release()
  t.equal(await again, 'compared')
})

t.test('a scan that fails tells the code of what went wrong; what waits for its end does not fail with it', async (t) => {
  const { scans, failWith } = bench(t)
  failWith(new DomainError('unavailable', 'cache-damaged', 'The cache is damaged'))
  const failing = scans.run()
  await scans.underWay()
  await t.rejects(failing, { kind: 'failed', code: 'cache-damaged', message: 'The cache is damaged' })
})

t.test('nothing is started while nothing can be scanned', async (t) => {
  const { scans, begun } = bench(t, () => { throw new ServiceNotReadyError() })
  t.throws(() => scans.start(false), { code: 'not-ready' })
  await t.rejects(scans.run(), { code: 'not-ready' })
  t.same(begun, [])
})
