import { DomainError } from '../errors.ts'
import type { Job, JobContext, JobSystem } from './types.ts'

export interface ScanJobDeps<Outcome> {
  jobs: JobSystem
  kind: string
  title (input: { full: boolean }): string
  /** @throws when nothing can be scanned now */
  mayStart (): void
  /** @throws like `mayStart` when that has changed meanwhile */
  scan (input: { full: boolean } & Pick<JobContext, 'signal' | 'report'>): Promise<Outcome>
  /** What a scan answers that was cancelled before it could say anything. */
  cancelled: Outcome
}

/** Scans of one library as jobs: at most one at a time, and who asks for another one joins it. */
export interface ScanJob<Outcome> {
  /** @throws what `mayStart` throws */
  start (full: boolean): Job
  /**
   * A scan from its start to its end; a rebuild does not settle for the quick comparison that happens to run. The signal
   * cancels a scan that was started here, and none that was joined.
   * @throws DomainError `failed` with the code of what went wrong
   */
  run (options?: { full?: boolean, signal?: AbortSignal | undefined }): Promise<Outcome>
  cancel (): void
  /** Settles with the scan that runs, however it ends; undefined when none does. Never rejects. */
  underWay (): Promise<void> | undefined
}

interface Running<Outcome> { full: boolean, job: Job, outcome: Promise<Outcome> }

export function createScanJob<Outcome> ({ jobs, kind, title, mayStart, scan, cancelled }: ScanJobDeps<Outcome>): ScanJob<Outcome> {
  const outcomes = new Map<string, Outcome>()
  let running: Running<Outcome> | null = null

  jobs.define<{ full: boolean }, Outcome>({
    kind,
    title,
    exclusiveKey: () => kind,
    async run ({ full }, { id, signal, report }) {
      const outcome = await scan({ full, signal, report })
      outcomes.set(id, outcome)
      return outcome
    }
  })

  function start (full: boolean): Running<Outcome> {
    mayStart()
    if (running) return running
    const job = jobs.start(kind, { full })
    const outcome = outcomeOf(job).finally(() => { running = null })
    // Whoever waits for it hears of a failure; the job tells it in any case.
    outcome.catch(() => undefined)
    running = { full, job, outcome }
    return running
  }

  async function outcomeOf (job: Job): Promise<Outcome> {
    const ended = await jobs.finished(job.id)
    const outcome = outcomes.get(job.id)
    outcomes.delete(job.id)
    if (ended.state === 'failed') throw new DomainError('failed', ended.error?.code ?? 'scan-failed', ended.error?.message ?? 'The scan failed')
    return outcome ?? cancelled
  }

  const underWay = (): Promise<void> | undefined => running?.outcome.then(() => undefined, () => undefined)

  return {
    start: (full) => start(full).job,
    async run ({ full = false, signal } = {}) {
      if (full && running?.full === false) await underWay()
      const joined = running !== null
      const { job, outcome } = start(full)
      const abort = (): void => { if (!joined && running?.job.id === job.id) jobs.cancel(job.id) }
      signal?.addEventListener('abort', abort, { once: true })
      try {
        return await outcome
      } finally {
        signal?.removeEventListener('abort', abort)
      }
    },
    cancel () {
      const job = running && jobs.get(running.job.id)
      if (job && ['queued', 'running', 'paused'].includes(job.state)) jobs.cancel(job.id)
    },
    underWay
  }
}
