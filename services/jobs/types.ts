export type JobState = 'queued' | 'running' | 'paused' | 'succeeded' | 'failed' | 'cancelled'

export interface JobProgress {
  done: number
  total: number | null
  unit: string
  /** Units per second over the last seconds, null while unknown. */
  rate: number | null
  eta_seconds: number | null
}

export interface JobFailure { item: string, error: string }

/** A job as `/api/v1/jobs` shows it. */
export interface Job {
  id: string
  kind: string
  title: string
  state: JobState
  progress: JobProgress
  /** ISO 8601 UTC */
  created_at: string
  started_at: string | null
  finished_at: string | null
  /** What came out, once the job has ended well. */
  result: unknown
  error: { code: string, message: string } | null
  /** Items that failed while the job went on; at most 1,000 are kept. */
  failures: JobFailure[]
}

export interface JobContext {
  readonly id: string
  /** Aborted by cancel and by shutdown; work stops within a second. */
  readonly signal: AbortSignal
  report (progress: { done: number, total?: number | null, unit?: string }): void
  /** Resolves at once, or when a paused job is resumed; rejects with the signal's reason when it is cancelled. */
  checkpoint (): Promise<void>
  recordFailure (item: string, error: unknown): void
}

export interface JobDefinition<Input = unknown, Output = unknown> {
  kind: string
  title (input: Input): string
  run (input: Input, context: JobContext): Promise<Output>
  /** Jobs with the same key run one at a time; a second start attaches to the running one. */
  exclusiveKey? (input: Input): string
  /** Started again with the same input when the process ended while it ran. */
  resumable?: boolean
  /** Input that runs only the items that failed; without it a retry runs the whole job again. */
  retryInput? (input: Input, failures: readonly JobFailure[]): Input
}

export interface JobSystem {
  define<Input, Output> (definition: JobDefinition<Input, Output>): void
  /** Starts a job, or returns the one that already runs under the same exclusive key. */
  start (kind: string, input: unknown): Job
  get (id: string): Job | undefined
  /** Newest first. */
  list (options: { limit: number, after?: string | undefined, state?: JobState | undefined }): { items: Job[], next: string | null }
  pause (id: string): Job
  resume (id: string): Job
  cancel (id: string): Job
  /** Starts the job again for its failed items where the definition knows how, else as a whole. */
  retryFailed (id: string): Job
  /** Deletes finished jobs; answers how many. */
  prune (): number
  /** How many jobs there are in each state. */
  counts (): Record<JobState, number>
  /** Resolves with the job in its final state. */
  finished (id: string): Promise<Job>
  /** Starts again what a previous process left running and can be resumed; marks the rest as interrupted. */
  recover (): void
  close (): Promise<void>
}
