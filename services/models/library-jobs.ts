import { DomainError } from '../errors.ts'
import type { Job, JobSystem } from '../jobs/types.ts'
import type { LibrarySession } from './library-session.ts'
import type { ModelLibrary, ScanOutcome } from './ports.ts'
import type { ModelType } from './types.ts'

export interface LibraryJobsDeps {
  type: ModelType
  jobs: JobSystem
  /** The session that is open, unless a switch of library is under way. @throws ServiceNotReadyError */
  opened (): LibrarySession
  /** The same without a fault; null also once the library is closed. */
  ready (): LibrarySession | null
}

/** The jobs of one type: at most one scan and one hashing at a time; who asks for more joins what runs. */
export interface LibraryJobs {
  reconcile: ModelLibrary['reconcile']
  /** @throws ServiceNotReadyError */
  startScan (full: boolean): Job
  startHashing (): Job | undefined
  cancel (): void
  /** Resolves when the scan that runs, if any, has ended, however it ended. */
  scanEnded (): Promise<void>
  /** Settles with what runs; undefined when nothing does. */
  underWay (): Promise<unknown> | undefined
}

const NOTHING: ScanOutcome = { status: 'cancelled', added: 0, updated: 0, removed: 0, moved: 0, message: 'The scan was cancelled' }

export function createLibraryJobs ({ type, jobs, opened, ready }: LibraryJobsDeps): LibraryJobs {
  const scanKind = `scan-${type.prefix}`
  const hashKind = `hash-${type.prefix}`
  const outcomes = new Map<string, ScanOutcome>()
  let scanning: { full: boolean, job: Job, outcome: Promise<ScanOutcome> } | null = null
  let hashing: { job: Job, ended: Promise<unknown> } | null = null

  jobs.define<{ full: boolean }, ScanOutcome>({
    kind: scanKind,
    title: ({ full }) => `${full ? 'Rebuild' : 'Scan'} ${type.label} library`,
    exclusiveKey: () => scanKind,
    async run ({ full }, { id, signal, report }) {
      const outcome = await opened().scan({ full, signal, report })
      outcomes.set(id, outcome)
      return outcome
    }
  })
  jobs.define({
    kind: hashKind,
    title: () => `Hash ${type.label} files`,
    exclusiveKey: () => hashKind,
    run: async (_input, context) => await opened().hash(context)
  })

  function startScan (full: boolean): { job: Job, outcome: Promise<ScanOutcome> } {
    opened()
    if (scanning) return scanning
    const job = jobs.start(scanKind, { full })
    const outcome = outcomeOf(job).finally(() => { scanning = null })
    // Whoever waits for it hears of a failure; the job tells it in any case.
    outcome.catch(() => undefined)
    scanning = { full, job, outcome }
    return scanning
  }

  async function outcomeOf (job: Job): Promise<ScanOutcome> {
    const ended = await jobs.finished(job.id)
    const outcome = outcomes.get(job.id)
    outcomes.delete(job.id)
    if (ended.state === 'failed') throw new DomainError('unavailable', ended.error?.code ?? 'scan-failed', ended.error?.message ?? 'The scan failed')
    return outcome ?? NOTHING
  }

  function startHashing (): Job | undefined {
    if (!ready()) return undefined
    if (hashing) return jobs.get(hashing.job.id)
    const job = jobs.start(hashKind, {})
    const ended = jobs.finished(job.id).then(() => {
      hashing = null
      // Asked for while the last file was being finished.
      if ((ready()?.wanted.size ?? 0) > 0) startHashing()
    }, () => { hashing = null })
    hashing = { job, ended }
    return job
  }

  async function scanEnded (): Promise<void> {
    await scanning?.outcome.catch(() => NOTHING)
  }

  return {
    async reconcile ({ full = false, signal } = {}) {
      // A rebuild does not settle for the quick comparison that happens to run.
      if (full && scanning?.full === false) await scanEnded()
      const joined = scanning !== null
      const { job, outcome } = startScan(full)
      const abort = (): void => { if (!joined && scanning?.job.id === job.id) jobs.cancel(job.id) }
      signal?.addEventListener('abort', abort, { once: true })
      try {
        return await outcome
      } finally {
        signal?.removeEventListener('abort', abort)
      }
    },
    startScan: (full) => startScan(full).job,
    startHashing,
    cancel () {
      for (const running of [scanning?.job, hashing?.job]) {
        const job = running && jobs.get(running.id)
        if (job && ['queued', 'running', 'paused'].includes(job.state)) jobs.cancel(job.id)
      }
    },
    scanEnded,
    underWay: () => scanning ? scanEnded() : hashing?.ended
  }
}
