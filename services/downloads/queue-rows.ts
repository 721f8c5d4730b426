/** Tables of `download_queue.sqlite`, in the format of the programs that share it. Times are Unix seconds. */

export interface QueueRow {
  download_id: string
  model_id: number | null
  model_version_id: number | null
  model_name: string
  version_name: string
  thumbnail_url: string
  source: string | null
  /** JSON text. */
  file_params: string | null
  status: string
  priority: number
  progress: number
  bytes_downloaded: number
  total_bytes: number | null
  bytes_per_second: number
  error: string | null
  file_path: string | null
  added_at: number
  started_at: number | null
  completed_at: number | null
}

export interface HistoryRow {
  id: number
  download_id: string | null
  model_id: number | null
  model_version_id: number | null
  model_name: string
  version_name: string
  thumbnail_url: string
  file_params: string | null
  status: string
  error: string | null
  file_path: string | null
  bytes_downloaded: number
  total_bytes: number | null
  completed_at: number
  is_already_exists: number
}

/** Words of `status` in the queue, and in the history. Note `canceled` with one l. */
export const QUEUE_STATUSES = ['queued', 'waiting', 'downloading', 'paused'] as const
export const HISTORY_STATUSES = ['completed', 'failed', 'canceled', 'skipped'] as const
export type HistoryStatus = (typeof HISTORY_STATUSES)[number]

export const QUEUE_COLUMNS = {
  download_id: 'TEXT PRIMARY KEY',
  model_id: 'INTEGER',
  model_version_id: 'INTEGER',
  model_name: "TEXT DEFAULT ''",
  version_name: "TEXT DEFAULT ''",
  thumbnail_url: "TEXT DEFAULT ''",
  source: 'TEXT',
  file_params: 'TEXT',
  status: "TEXT DEFAULT 'queued'",
  priority: 'INTEGER DEFAULT 0',
  progress: 'INTEGER DEFAULT 0',
  bytes_downloaded: 'INTEGER DEFAULT 0',
  total_bytes: 'INTEGER',
  bytes_per_second: 'REAL DEFAULT 0',
  error: 'TEXT',
  file_path: 'TEXT',
  added_at: 'REAL',
  started_at: 'REAL',
  completed_at: 'REAL'
} as const

export const HISTORY_COLUMNS = {
  id: 'INTEGER PRIMARY KEY AUTOINCREMENT',
  download_id: 'TEXT',
  model_id: 'INTEGER',
  model_version_id: 'INTEGER',
  model_name: "TEXT DEFAULT ''",
  version_name: "TEXT DEFAULT ''",
  thumbnail_url: "TEXT DEFAULT ''",
  file_params: 'TEXT',
  status: 'TEXT',
  error: 'TEXT',
  file_path: 'TEXT',
  bytes_downloaded: 'INTEGER DEFAULT 0',
  total_bytes: 'INTEGER',
  completed_at: 'REAL',
  is_already_exists: 'INTEGER DEFAULT 0'
} as const
