import type { JobContext, JobDefinition } from './types.ts'

/** Why a run's signal is aborted. */
export type StopReason = 'cancelled' | 'shutdown'

/** How a run ended, whatever it was asked for. */
export type RunOutcome = { ok: true, result: unknown } | { ok: false, error: unknown }

/** One execution of a job's work: gate for pausing, signal for stopping. */
export interface JobRun {
  /** Null while nobody has asked the run to stop. */
  readonly stopping: StopReason | null
  /** Resolves when the work is over, or a second after a stop was asked for, whichever comes first. Never rejects. */
  readonly ended: Promise<RunOutcome>
  /** Resolves when the work really is over. Never rejects. */
  readonly settled: Promise<unknown>
  pause (): void
  resume (): void
  stop (reason: StopReason): void
}

export interface RunHooks {
  report: JobContext['report']
  recordFailure: JobContext['recordFailure']
}

const GRACE_MS = 1000

export class JobStopped extends Error {
  readonly reason: StopReason
  constructor (reason: StopReason) {
    super(reason === 'cancelled' ? 'The job was cancelled' : 'The server is stopping')
    this.name = 'JobStopped'
    this.reason = reason
  }
}

/** For runs that end in good order when they are stopped: at the end of the server theirs is no end, the next start goes on. @throws the signal's reason */
export function throwAtShutdown ({ reason }: AbortSignal): void {
  if (reason instanceof JobStopped && reason.reason === 'shutdown') throw reason
}

export function startJobRun (definition: JobDefinition, id: string, input: unknown, hooks: RunHooks): JobRun {
  const controller = new AbortController()
  const { signal } = controller
  let open: (() => void) | null = null
  let opened: Promise<void> | null = null
  let stopping: StopReason | null = null

  function openGate (): void {
    open?.()
    open = null
    opened = null
  }

  const context: JobContext = {
    id,
    signal,
    ...hooks,
    async checkpoint () {
      signal.throwIfAborted()
      // It may have been paused again by the time the wait is over.
      for (let wait = opened; wait; wait = opened) await wait
      signal.throwIfAborted()
    }
  }

  const work: Promise<RunOutcome> = (async () => await definition.run(input, context))().then(
    (result) => ({ ok: true, result }),
    (error: unknown) => ({ ok: false, error }))

  const overdue = new Promise<RunOutcome>((resolve) => {
    signal.addEventListener('abort', () => {
      const timer = setTimeout(() => { resolve({ ok: false, error: signal.reason }) }, GRACE_MS)
      work.finally(() => { clearTimeout(timer) })
    }, { once: true })
  })

  return {
    get stopping () { return stopping },
    ended: Promise.race([work, overdue]),
    settled: work,
    pause () { opened ??= new Promise((resolve) => { open = resolve }) },
    resume: openGate,
    stop (reason) {
      stopping ??= reason
      controller.abort(new JobStopped(stopping))
      openGate()
    }
  }
}
