import type { ErrorKind } from '../errors.ts'
import type { ModelTypeName } from '../models/types.ts'

/** What a client asks for, checked; kept as the input of the job. */
export interface DownloadRequest {
  /** Chosen by the client or made here; one id may be used again when its download has ended. */
  download_id: string
  provider: 'civitai' | 'huggingface'
  model_id: number | null
  model_version_id: number | null
  /** Hugging Face: `user/name`, and the file in it. */
  repo: string | null
  filename: string | null
  revision: string | null
  /** Folder below which the file goes; null takes the default of its type. */
  model_root: string | null
  relative_path: string
  use_default_paths: boolean
  use_save_dir_as_root: boolean
  /** `civarchive`: ask that provider first. */
  source: string | null
  /** Which file of the version, as clients name it: `{id, name, type, format, size, fp, isPrimary}`. */
  file_params: Record<string, unknown> | null
  /** Takes the place of a damaged file of the library, whose presence is then no reason not to load it. */
  replaces: string | null
}

export type DownloadState = 'queued' | 'running' | 'paused' | 'succeeded' | 'skipped' | 'failed' | 'cancelled'

/** How a download ended. */
export interface DownloadResult {
  /** Null when nothing was loaded; the first of an archive's models. */
  file_path: string | null
  /** All models that came out of an archive. */
  file_paths?: string[]
  model_type: ModelTypeName | null
  sha256: string | null
  bytes: number
  /** Set when a rule of the settings kept it from being loaded. */
  skipped?: SkippedBecause
}

export interface SkippedBecause {
  reason: 'previously_downloaded_version' | 'base_model_excluded'
  message: string
  file_name: string
  model_version_id?: number | null
  base_model?: string
}

export interface DownloadError { kind: ErrorKind, code: string, message: string }

/** A download as it is kept: those of our queue and those that clients started at once. */
export interface DownloadRecord {
  id: string
  origin: 'queue' | 'client'
  request: DownloadRequest
  state: DownloadState
  /** The job that runs it, or ran it last. */
  job: string | null
  /** For people, as soon as it is known. */
  title: string
  result: DownloadResult | null
  error: DownloadError | null
  /** ISO 8601 UTC */
  created_at: string
  started_at: string | null
  finished_at: string | null
}

/** A record with what is known of its progress now. */
export interface DownloadView extends DownloadRecord {
  progress: { percent: number, done: number, total: number | null, unit: 'bytes', rate: number, eta_seconds: number | null }
}

/** What was loaded, told to whoever follows: update tracking, example images, history. */
export interface FinishedDownload {
  download: string
  model_type: ModelTypeName
  file_path: string
  sha256: string
  model_id: number | null
  version_id: number | null
  file_id: number | null
  /** Unhashed name, as the provider gives it. */
  file_name: string
}
