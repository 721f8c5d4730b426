import type { FolderKey } from '../models/types.ts'

export type FolderPaths = Partial<Record<FolderKey, string[]>> & Record<string, string[]>

export interface Library {
  folder_paths: FolderPaths
  extra_folder_paths: FolderPaths
  default_lora_root: string
  default_checkpoint_root: string
  default_unet_root: string
  default_embedding_root: string
  recipes_path: string
  created_at: string
  updated_at: string
  [key: string]: unknown
}

export interface StartupMessage {
  code: string
  title: string
  message: string
  severity: 'error' | 'warning' | 'info'
  dismissible: boolean
  actions?: { action: string, label: string, type: string, icon: string }[]
  details?: string
  settings_file: string
}

/** The outcome of a save: either all keys were valid and are applied, or none is. */
export type UpdateOutcome = { saved: true, changed: string[] } | { saved: false, reason: string }

export interface SettingsChange {
  /** Names of the keys whose effective value changed. */
  keys: ReadonlySet<string>
  /** True when another library became active (or the active one was activated again). */
  libraryActivated: boolean
}

export interface SettingsManager {
  /** Absolute directory that holds settings.json. */
  readonly directory: string
  /** Absolute path of settings.json. */
  readonly file: string
  /** Effective value: environment over file over default. Known keys are typed in schema.ts. */
  get<T = unknown> (key: string): T
  /** What `GET /api/lm/settings` answers under `settings`: every exposed key, secrets masked or as `*_set`. */
  exposed (): Record<string, unknown>
  messages (): StartupMessage[]
  /** Validates every key, then applies all and writes the file atomically. Listeners have run when it resolves. */
  update (patch: Record<string, unknown>): Promise<UpdateOutcome>
  libraries (): Record<string, Library>
  activeLibrary (): { name: string, library: Library }
  /** @throws NotFoundError for an unknown name */
  activateLibrary (name: string): Promise<void>
  /** Listeners run one after the other after each applied change; a failing one is logged, never undoes the change. */
  onChange (listener: (change: SettingsChange) => void | Promise<void>): () => void
  /** Re-reads the file when another program changed it. */
  refresh (): Promise<void>
  close (): Promise<void>
}
