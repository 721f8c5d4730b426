import type { ModelTypeName } from '../models/types.ts'
import type { ProgressHub } from '../progress/types.ts'
import type { RefreshEnd, StepResult } from './refresh-run.ts'

export interface RefreshCounts {
  total: number
  processed: number
  success: number
  failure_count: number
  skipped_count: number
  handled: number
  elapsed_seconds: number
}

export interface RefreshFailure { name: string, error: string }

/** The frames of one run on the channel 'fetch', and what they counted. */
export interface RefreshFrames {
  counts (): RefreshCounts
  failures (): RefreshFailure[]
  started (): void
  step (step: StepResult): void
  /** After `rate_limited` comes `cancelled` with the same counts: clients know no other end of that kind. */
  ended (end: Exclude<RefreshEnd, 'offline'>): void
  failed (message: string): void
}

/** Clients list them; more would only make the frame large. */
const MOST_FAILURES = 1000

export function createRefreshFrames (hub: Pick<ProgressHub, 'broadcast'>, type: ModelTypeName, { total, skipped, now }: { total: number, skipped: number, now: () => number }): RefreshFrames {
  const startedAt = now()
  const counted = { processed: 0, success: 0, failure_count: 0, skipped_count: skipped }
  const failures: RefreshFailure[] = []

  const counts = (): RefreshCounts => ({ total, ...counted, handled: counted.processed + counted.skipped_count, elapsed_seconds: Math.floor((now() - startedAt) / 1000) })

  function send (status: string, further: Record<string, unknown> = {}): void {
    hub.broadcast('fetch', { type: 'metadata_refresh_progress', model_type: type, status, ...counts(), ...further }, { key: refreshKey(type) })
  }

  const withFailures = (): Record<string, unknown> => failures.length > 0 ? { failures: [...failures] } : {}

  return {
    counts,
    failures: () => [...failures],
    started () { send('started') },
    step (step) {
      if (step.kind === 'skipped') {
        counted.skipped_count++
      } else {
        counted.processed++
        if (step.kind === 'updated') counted.success++
        else counted.failure_count++
      }
      if (step.kind === 'failed' && failures.length < MOST_FAILURES) failures.push({ name: step.name, error: step.error })
      send('processing', { current_name: step.name })
    },
    ended (end) {
      send(end, withFailures())
      if (end === 'rate_limited') send('cancelled', withFailures())
    },
    failed (message) { send('error', { error: message, ...withFailures() }) }
  }
}

/** Key of the last frame of a type. */
export function refreshKey (type: ModelTypeName): string {
  return `metadata_refresh_progress:${type}`
}
