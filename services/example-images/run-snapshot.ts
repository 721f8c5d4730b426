import type { Clock } from '../progress/clock.ts'
import type { ProgressHub } from '../progress/types.ts'

export type RunStatus = 'idle' | 'running' | 'paused' | 'stopping' | 'stopped' | 'completed' | 'error'

/** How a model was left. `skipped`: nothing had to be done; `incomplete`: tried again by the next run. */
export type ModelOutcome = 'complete' | 'skipped' | 'no_images' | 'not_found' | 'rate_limited' | 'incomplete'

/** The lists of a run that clients may ask for in full. */
export type RunList = 'processed_models' | 'refreshed_models' | 'failed_models' | 'reprocessed_models' | 'rate_limited_models'

export interface RunSnapshot extends Record<RunList, string[]> {
  status: RunStatus
  total: number
  completed: number
  /** As `completed`, under the name that frames bear. */
  processed: number
  current_model: string
  errors: string[]
  last_error: string | null
  /** Seconds since 1970. */
  start_time: number | null
  end_time: number | null
  /** Seconds since 1970 until when a host wants to be left alone. */
  waiting_until: number | null
  processed_count: number
  refreshed_count: number
  failed_count: number
  reprocessed_count: number
  rate_limited_count: number
  /** How the models were left; adds up to `completed`. */
  outcomes: Record<ModelOutcome, number>
}

/** Key under which the hub keeps the last frame. */
export const SNAPSHOT_KEY = 'example_images_progress'
const CHANNEL = 'fetch'
/** Lists grow with the library, and nobody looks at them in every frame. */
const LISTED = 100
const MOST_ERRORS = 50
const LISTS: readonly RunList[] = ['processed_models', 'refreshed_models', 'failed_models', 'reprocessed_models', 'rate_limited_models']

/** What one run counts; every change is a frame on the channel that polling reads. */
export interface RunTracker {
  status (): RunStatus
  snapshot (): RunSnapshot
  /** All lists in full. */
  details (): RunSnapshot
  /** The models are counted. */
  counted (total: number): void
  turn (status: RunStatus): void
  begin (model: string): void
  left (outcome: ModelOutcome): void
  note (list: RunList, hash: string): void
  failure (message: string): void
  /** null: nobody has to wait any more. */
  waiting (milliseconds: number | null): void
  ended (status: 'completed' | 'stopped' | 'error'): void
}

export function idleSnapshot (status: RunStatus = 'idle'): RunSnapshot {
  return snapshotOf(emptyState(status), (list) => list)
}

interface RunState extends Omit<RunSnapshot, RunList | 'processed' | 'processed_count' | 'refreshed_count' | 'failed_count' | 'reprocessed_count' | 'rate_limited_count'> {
  lists: Record<RunList, string[]>
}

function emptyState (status: RunStatus): RunState {
  return {
    status,
    total: 0,
    completed: 0,
    current_model: '',
    errors: [],
    last_error: null,
    start_time: null,
    end_time: null,
    waiting_until: null,
    outcomes: { complete: 0, skipped: 0, no_images: 0, not_found: 0, rate_limited: 0, incomplete: 0 },
    lists: { processed_models: [], refreshed_models: [], failed_models: [], reprocessed_models: [], rate_limited_models: [] }
  }
}

function snapshotOf ({ lists, ...state }: RunState, shown: (list: string[]) => string[]): RunSnapshot {
  return {
    ...state,
    processed: state.completed,
    errors: [...state.errors],
    outcomes: { ...state.outcomes },
    processed_count: lists.processed_models.length,
    refreshed_count: lists.refreshed_models.length,
    failed_count: lists.failed_models.length,
    reprocessed_count: lists.reprocessed_models.length,
    rate_limited_count: lists.rate_limited_models.length,
    ...Object.fromEntries(LISTS.map((name) => [name, shown(lists[name])])) as Record<RunList, string[]>
  }
}

export function createRunTracker ({ hub, clock }: { hub: Pick<ProgressHub, 'broadcast'>, clock: Clock }): RunTracker {
  const state = emptyState('running')
  const seconds = (): number => clock.now() / 1000
  const snapshot = (): RunSnapshot => snapshotOf(state, (list) => list.slice(-LISTED))
  state.start_time = seconds()

  /** Progress is passed over when it comes too fast, changes of state never. */
  function send (coalesce: boolean): void {
    const { errors, last_error: last, ...rest } = snapshot()
    const frame = {
      type: SNAPSHOT_KEY,
      ...rest,
      ...(errors.length > 0 && { errors }),
      ...(last !== null && { last_error: last }),
      ...(state.status === 'error' && { error: last ?? 'The download failed' })
    }
    hub.broadcast(CHANNEL, frame, { key: SNAPSHOT_KEY, coalesce })
  }

  return {
    status: () => state.status,
    snapshot,
    details: () => snapshotOf(state, (list) => [...list]),
    counted (total) {
      state.total = total
      send(false)
    },
    turn (status) {
      if (state.status === status) return
      state.status = status
      send(false)
    },
    begin (model) {
      state.current_model = model
      send(true)
    },
    left (outcome) {
      state.completed++
      state.outcomes[outcome]++
      send(true)
    },
    note (list, hash) { state.lists[list].push(hash) },
    failure (message) {
      state.errors.push(message)
      if (state.errors.length > MOST_ERRORS) state.errors.shift()
      state.last_error = message
    },
    waiting (milliseconds) {
      const until = milliseconds === null ? null : seconds() + milliseconds / 1000
      if (until === null && state.waiting_until === null) return
      state.waiting_until = until
      send(true)
    },
    ended (status) {
      state.status = status
      state.end_time = seconds()
      state.current_model = ''
      state.waiting_until = null
      send(false)
    }
  }
}
