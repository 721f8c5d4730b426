import type { ProgressHub } from '../progress/types.ts'

export type BatchItemStatus = 'pending' | 'processing' | 'success' | 'failed' | 'skipped'

/** One image of a batch as progress shows it; names as clients know them. */
export interface BatchItemView {
  id: string
  source: string
  item_type: 'url' | 'local_path'
  status: BatchItemStatus
  error_message: string | null
  recipe_name: string | null
  recipe_id: string | null
  /** Seconds. */
  duration: number
}

export interface BatchProgress {
  operation_id: string
  total: number
  completed: number
  success: number
  failed: number
  skipped: number
  current_item: string
  status: 'pending' | 'running' | 'completed' | 'cancelled'
  /** Seconds since the epoch. */
  started_at: number | null
  finished_at: number | null
  progress_percent: number
  /** All of them when asked for and in the last frame; in other frames those that changed. */
  items: BatchItemView[]
}

export interface BatchSource { source: string, type: 'url' | 'local_path' }

/** How one batch stands. */
export interface BatchBoard {
  readonly id: string
  readonly completed: number
  /** Seconds since the epoch, null while it is not over. */
  readonly finishedAt: number | null
  begin (): void
  /** Changes an item and sends what changed; after the end it is only noted. */
  change (at: number, change: Partial<BatchItemView>): void
  end (status: 'completed' | 'cancelled'): void
  snapshot (): BatchProgress
}

const NAME_LENGTH = 50

export function createBatchBoard (id: string, sources: readonly BatchSource[], { hub, now }: { hub: Pick<ProgressHub, 'broadcast' | 'forgetSnapshot'>, now: () => number }): BatchBoard {
  const key = `batch-import:${id}`
  const items = sources.map(({ source, type }, at): BatchItemView => ({ id: `${id}_${at}`, source, item_type: type, status: 'pending', error_message: null, recipe_name: null, recipe_id: null, duration: 0 }))
  const state: Omit<BatchProgress, 'items' | 'progress_percent'> = {
    operation_id: id, total: items.length, completed: 0, success: 0, failed: 0, skipped: 0, current_item: '', status: 'pending', started_at: null, finished_at: null
  }

  const view = (shown: readonly BatchItemView[]): BatchProgress => ({
    ...state,
    progress_percent: state.total === 0 ? 0 : Math.round(state.completed / state.total * 1000) / 10,
    items: shown.map((item) => ({ ...item }))
  })
  const send = (shown: readonly BatchItemView[]): void => { hub.broadcast('fetch', { type: 'batch_import_progress', ...view(shown) }, { key }) }

  function itemAt (at: number): BatchItemView {
    const item = items[at]
    if (!item) throw new RangeError(`There is no item ${at}`)
    return item
  }

  return {
    id,
    get completed () { return state.completed },
    get finishedAt () { return state.finished_at },
    begin () {
      state.status = 'running'
      state.started_at = now() / 1000
      send([])
    },
    change (at, change) {
      const item = Object.assign(itemAt(at), change)
      if (item.status === 'processing') state.current_item = nameOf(item)
      if (item.status === 'success' || item.status === 'failed' || item.status === 'skipped') {
        state[item.status]++
        state.completed++
      }
      if (state.finished_at === null) send([item])
    },
    end (status) {
      if (state.finished_at !== null) return
      state.status = status
      state.finished_at = now() / 1000
      state.current_item = ''
      send(items)
      hub.forgetSnapshot('fetch', key)
    },
    snapshot: () => view(items)
  }
}

/** A file's name, or the beginning of an address. */
function nameOf ({ source, item_type: type }: BatchItemView): string {
  return type === 'url' ? source.slice(0, NAME_LENGTH) : source.slice(Math.max(source.lastIndexOf('/'), source.lastIndexOf('\\')) + 1)
}
