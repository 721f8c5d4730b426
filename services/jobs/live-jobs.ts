import type { JobRun } from './job-run.ts'
import { createWorkRate, type WorkRate } from './work-rate.ts'
import type { Job, JobDefinition } from './types.ts'

/** A job that is not finished: its record is the truth, the row follows. */
export interface LiveJob {
  job: Job
  input: unknown
  definition: JobDefinition
  key: string | undefined
  /** Null for a job that was paused when the process ended and waits to be resumed. */
  run: JobRun | null
  rate: WorkRate
  savedAt: number
}

/** The jobs that are not finished, and which of them holds an exclusive key. */
export interface LiveJobs {
  adopt (job: Job, input: unknown, definition: JobDefinition, savedAt: number): LiveJob
  get (id: string): LiveJob | undefined
  has (id: string): boolean
  all (): LiveJob[]
  /** It is finished; its key stays held until `release`. */
  forget (id: string): void
  clear (): void
  /** The job that holds a key until its work has really ended. */
  holderOf (key: string | undefined): LiveJob | undefined
  release (entry: LiveJob): void
}

export function createLiveJobs (): LiveJobs {
  const live = new Map<string, LiveJob>()
  const holders = new Map<string, LiveJob>()
  return {
    adopt (job, input, definition, savedAt) {
      const key = definition.exclusiveKey?.(input)
      const entry: LiveJob = { job, input, definition, key, run: null, rate: createWorkRate(), savedAt }
      live.set(job.id, entry)
      if (key !== undefined) holders.set(key, entry)
      return entry
    },
    get: (id) => live.get(id),
    has: (id) => live.has(id),
    all: () => [...live.values()],
    forget (id) { live.delete(id) },
    clear () { live.clear() },
    holderOf: (key) => key === undefined ? undefined : holders.get(key),
    release (entry) {
      if (entry.key !== undefined && holders.get(entry.key) === entry) holders.delete(entry.key)
    }
  }
}
