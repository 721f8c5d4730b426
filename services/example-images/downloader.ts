import { DomainError } from '../errors.ts'
import { failureText } from '../jobs/failure-text.ts'
import type { Job, JobContext, JobState, JobSystem } from '../jobs/types.ts'
import { systemClock, type Clock } from '../progress/clock.ts'
import type { ProgressHub } from '../progress/types.ts'
import { DownloadInProgressError, DownloadNotRunningError } from './errors.ts'
import { runDownload, type DownloadInput, type DownloadReport, type RunDeps } from './run-download.ts'
import { createRunTracker, idleSnapshot, SNAPSHOT_KEY, type RunSnapshot, type RunStatus, type RunTracker } from './run-snapshot.ts'
import { isComplete } from './targets.ts'

export interface Downloader {
  /** One snapshot for polling and sockets; the last run's stays until the next. `details`: lists in full. */
  status (options?: { details: boolean }): RunSnapshot
  isRunning (): boolean
  /** Resolves with the first snapshot, when the models are counted, or at once during a first scan. @throws DownloadInProgressError, ServiceNotReadyError, and what ended the run before */
  start (input: DownloadInput): Promise<RunSnapshot>
  /** Runs and waits for the end. @throws as `start`; DomainError when the run failed */
  run (input: DownloadInput): Promise<{ report: DownloadReport, stopped: boolean }>
  /** @throws DownloadNotRunningError */
  pause (): void
  /** @throws DownloadNotRunningError, DomainError `invalid` naming the status */
  resume (): void
  /** @throws DownloadNotRunningError */
  stop (): void
  /** Resolves when nothing runs any more. */
  settled (): Promise<void>
  /** Takes up the run of an earlier process; after the jobs were recovered. */
  recover (): void
  /** Ends the run because what it works on has changed. */
  abandon (): void
  /** The server is about to stop: whoever waits for an end is told so now. */
  letGo (): void
}

export interface DownloaderDeps extends RunDeps {
  jobs: JobSystem
  hub: Pick<ProgressHub, 'broadcast' | 'snapshot'>
  clock?: Clock
}

export const DOWNLOAD_EXAMPLES_JOB = 'example-images'

/** The one run there may be. */
interface Live {
  job: string
  tracker: RunTracker
  /** Resolves when its models are counted, rejects when it ended before. */
  counted: Promise<void>
  ended: Promise<unknown>
}

const unfinished: readonly JobState[] = ['queued', 'running', 'paused']

export function createDownloader (deps: DownloaderDeps): Downloader {
  const { jobs, hub, clock = systemClock } = deps
  let live: Live | null = null
  let last: RunTracker | null = null
  let leave: (reason: DomainError) => void = () => undefined
  const leaving = new Promise<never>((_resolve, reject) => { leave = reject })
  leaving.catch(() => undefined)

  jobs.define<DownloadInput, DownloadReport>({
    kind: DOWNLOAD_EXAMPLES_JOB,
    title: ({ hashes }) => hashes ? `Example images of ${hashes.length} models` : 'Example images of the library',
    exclusiveKey: () => DOWNLOAD_EXAMPLES_JOB,
    resumable: true,
    run: async (input, context) => await perform(input, context)
  })

  /** Follows a job from its start to its end, whoever stops it. */
  function follow (job: string, status: RunStatus): Live {
    const tracker = createRunTracker({ hub, clock })
    let count: () => void = () => undefined
    const counting = new Promise<void>((resolve) => { count = resolve })
    const observed: RunTracker = { ...tracker, counted (total) { tracker.counted(total); count() } }
    const ended = jobs.finished(job).then((done) => { close(mine, done) }, () => { release(mine) })
    const mine: Live = { job, tracker: observed, counted: Promise.race([counting, ended]), ended }
    live = mine
    last = tracker
    tracker.turn(status)
    return mine
  }

  function release (mine: Live): void {
    if (live === mine) live = null
  }

  function close (mine: Live, { state, error }: Job): void {
    if (state === 'failed') mine.tracker.failure(error?.message ?? 'The download failed')
    mine.tracker.ended(state === 'succeeded' ? 'completed' : state === 'cancelled' ? 'stopped' : 'error')
    release(mine)
  }

  async function perform (input: DownloadInput, context: JobContext): Promise<DownloadReport> {
    const { tracker } = live?.job === context.id ? live : follow(context.id, 'running')
    return await runDownload(deps, input, context, tracker, async () => {
      // It may have been paused through the list of jobs.
      if (jobs.get(context.id)?.state === 'paused') tracker.turn('paused')
      await context.checkpoint()
      tracker.turn('running')
    })
  }

  function begin (input: DownloadInput): Live {
    if (live) throw new DownloadInProgressError(status())
    return follow(jobs.start(DOWNLOAD_EXAMPLES_JOB, input).id, 'running')
  }

  function status (options?: { details: boolean }): RunSnapshot {
    if (options?.details && last) return last.details()
    if (live) return live.tracker.snapshot()
    const { type, error, ...frame } = hub.snapshot('fetch', SNAPSHOT_KEY) ?? {}
    return { ...idleSnapshot(), ...frame } as RunSnapshot
  }

  /** The run that can be told something. */
  function required (): Live & { state: JobState } {
    const state = live ? jobs.get(live.job)?.state : undefined
    if (!live || state === undefined || !unfinished.includes(state)) throw new DownloadNotRunningError()
    return { ...live, state }
  }

  function stop (): void {
    const { job, tracker } = required()
    tracker.turn('stopping')
    jobs.cancel(job)
  }

  return {
    status,
    isRunning: () => live !== null,
    async start (input) {
      const mine = begin(input)
      // A first scan may take minutes; the run begins behind it.
      if (!deps.libraries.every(isComplete)) return mine.tracker.snapshot()
      await Promise.race([mine.counted, leaving])
      const job = jobs.get(mine.job)
      if (job?.state === 'failed') throw failed(job)
      return mine.tracker.snapshot()
    },
    async run (input) {
      const mine = begin(input)
      await Promise.race([mine.ended, leaving])
      const job = jobs.get(mine.job)
      if (!job || job.state === 'failed') throw failed(job)
      const { total, completed, outcomes, errors } = mine.tracker.details()
      const report = job.result as DownloadReport | null ?? { total, processed: completed, successful: outcomes.complete + outcomes.skipped, errors, not_found: [] }
      return { report, stopped: job.state === 'cancelled' }
    },
    pause () {
      const { job, tracker, state } = required()
      if (tracker.status() === 'stopping') throw new DomainError('invalid', 'download-state', 'The download is stopping')
      if (state !== 'paused') jobs.pause(job)
      tracker.turn('paused')
    },
    resume () {
      const { job, tracker, state } = required()
      // One that is stopping may still be held up where it was paused.
      if (state !== 'paused' || tracker.status() === 'stopping') throw new DomainError('invalid', 'download-state', `Download is not paused (current status: ${tracker.status()})`)
      jobs.resume(job)
      tracker.turn('running')
    },
    stop,
    async settled () { await live?.ended },
    recover () {
      const [job] = unfinished.flatMap((state) => jobs.list({ limit: 100, state }).items).filter(({ kind }) => kind === DOWNLOAD_EXAMPLES_JOB)
      if (!job || live) return
      const { tracker } = follow(job.id, job.state === 'paused' ? 'paused' : 'running')
      if (job.progress.total !== null) tracker.counted(job.progress.total)
    },
    abandon () {
      if (live && unfinished.includes(jobs.get(live.job)?.state ?? 'failed')) stop()
    },
    letGo () { leave(new DomainError('unavailable', 'shutting-down', 'The server is stopping; the download goes on at its next start')) }
  }
}

function failed (job: Job | undefined): DomainError {
  const { code, message } = job?.error ?? failureText('The download failed')
  return new DomainError(code === 'not-ready' ? 'unavailable' : code === 'storage-full' ? 'storage-full' : 'failed', code, message)
}
