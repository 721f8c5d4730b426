import type { ClientQueue, HistoryKey, QueueInput } from '../../services/downloads/client-queue.ts'
import { HISTORY_STATUSES, QUEUE_STATUSES, type HistoryRow, type HistoryStatus, type QueueRow } from '../../services/downloads/queue-rows.ts'
import { InvalidInputError, NotFoundError } from '../../services/errors.ts'
import { clamp, firstValue, integerOr, strictInteger, type QueryValue } from '../../services/query-values.ts'

export type RawParameters = Record<string, QueryValue>

const MOST_ROWS = 10_000
const LARGEST_PAGE = 500
const HISTORY_PAGE = 50

function text (parameters: RawParameters, name: string): string | undefined {
  const value = firstValue(parameters[name])?.trim()
  if (value !== undefined && value.length > 16_384) throw new InvalidInputError(`${name} is too long`)
  return value === '' ? undefined : value
}

function idOf (parameters: RawParameters): string {
  const id = text(parameters, 'download_id')
  if (id === undefined) throw new InvalidInputError('download_id is required')
  return id
}

function wholeNumber (parameters: RawParameters, name: string): number | undefined {
  return text(parameters, name) === undefined ? undefined : strictInteger(name, parameters[name])
}

/** Normal JSON text, or null for nothing. @throws InvalidInputError */
function fileParams (parameters: RawParameters): string | null {
  const raw = text(parameters, 'file_params')
  if (raw === undefined) return null
  try {
    const parsed: unknown = JSON.parse(raw)
    return parsed ? JSON.stringify(parsed) : null
  } catch (error) {
    throw new InvalidInputError('file_params is not valid JSON', 'malformed-json', { cause: error })
  }
}

function oneOf<Word extends string> (name: string, value: string, words: readonly Word[]): Word {
  const word = value === 'cancelled' ? 'canceled' : value
  const found = words.find((one) => one === word)
  if (found === undefined) throw new InvalidInputError(`${name} must be one of ${words.join(', ')}`)
  return found
}

/** The list that clients keep with us and its history, as they speak of it. */
export function createClientQueueUseCases (queue: ClientQueue) {
  const historyKey = (parameters: RawParameters): HistoryKey => {
    const downloadId = text(parameters, 'download_id')
    if (downloadId !== undefined) return { downloadId }
    const id = wholeNumber(parameters, 'id')
    if (id === undefined) throw new InvalidInputError('id or download_id is required')
    return { id }
  }

  return {
    listQueue: () => ({ queue: queue.rows(), stats: queue.stats() }),
    getStats: () => ({ stats: queue.stats() }),
    /** @throws InvalidInputError */
    addToQueue (parameters: RawParameters): { item: QueueRow | Record<string, never> } {
      const input: QueueInput = {
        model_id: wholeNumber(parameters, 'model_id') ?? null,
        model_version_id: wholeNumber(parameters, 'model_version_id') ?? null,
        model_name: text(parameters, 'model_name') ?? '',
        version_name: text(parameters, 'version_name') ?? '',
        thumbnail_url: text(parameters, 'thumbnail_url') ?? '',
        source: text(parameters, 'source') ?? null,
        file_params: fileParams(parameters)
      }
      const id = text(parameters, 'download_id')
      const { queued, downloading, paused } = queue.stats()
      if (queued + downloading + paused >= MOST_ROWS) throw new InvalidInputError('The queue is full', 'queue-full')
      return { item: queue.add({ ...input, ...(id !== undefined && { download_id: id }) }) ?? {} }
    },
    removeFromQueue: (parameters: RawParameters) => ({ success: queue.remove(idOf(parameters)) }),
    moveInQueue: (parameters: RawParameters, to: 'top' | 'end') => ({ success: queue.move(idOf(parameters), to) }),
    clearQueue: (parameters: RawParameters) => ({ cleared: queue.clear(text(parameters, 'status')) }),
    /** @throws InvalidInputError, NotFoundError */
    setQueueStatus (parameters: RawParameters): void {
      const id = idOf(parameters)
      const status = text(parameters, 'status')
      if (status === undefined) throw new InvalidInputError('status is required')
      const word = oneOf('status', status, [...QUEUE_STATUSES, ...HISTORY_STATUSES])
      if (!queue.setStatus(id, word)) throw new NotFoundError('Queue item not found', 'queue-item-not-found')
    },
    /** @throws InvalidInputError, NotFoundError */
    completeInQueue (parameters: RawParameters): { item: QueueRow } {
      const id = idOf(parameters)
      const status: HistoryStatus = oneOf('status', text(parameters, 'status') ?? 'completed', HISTORY_STATUSES)
      const bytes = wholeNumber(parameters, 'bytes_downloaded')
      const total = wholeNumber(parameters, 'total_bytes')
      const time = text(parameters, 'completed_at')
      const at = time === undefined ? undefined : Number(time)
      if (at !== undefined && !Number.isFinite(at)) throw new InvalidInputError('completed_at must be a number')
      const item = queue.complete(id, {
        status,
        error: text(parameters, 'error') ?? null,
        file_path: text(parameters, 'file_path') ?? null,
        ...(bytes !== undefined && { bytes_downloaded: bytes }),
        ...(total !== undefined && { total_bytes: total }),
        ...(at !== undefined && { completed_at: at })
      })
      if (!item) throw new NotFoundError('Queue item not found', 'queue-item-not-found')
      return { item }
    },
    listHistory (parameters: RawParameters): { items: HistoryRow[], total: number, limit: number, offset: number } {
      const limit = clamp(integerOr('limit', parameters.limit, HISTORY_PAGE), 1, LARGEST_PAGE)
      const offset = Math.max(0, integerOr('offset', parameters.offset, 0))
      return { ...queue.history({ limit, offset, status: text(parameters, 'status') }), limit, offset }
    },
    clearHistory: (parameters: RawParameters) => ({ cleared: queue.clearHistory(text(parameters, 'status')) }),
    deleteFromHistory: (parameters: RawParameters) => ({ success: queue.deleteHistory(historyKey(parameters)) }),
    /** @throws InvalidInputError, NotFoundError */
    retryFromHistory (parameters: RawParameters): { item: QueueRow } {
      const item = queue.retry(historyKey(parameters))
      if (!item) throw new NotFoundError('History item not found or not retryable', 'not-retryable')
      return { item }
    },
    retryAllFromHistory: () => ({ retry_count: queue.retryAll() })
  }
}
