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

/** Why a value was not taken: a sentence for people and a code for programs. */
export interface Refusal { reason: string, code: string }

/** Folders given for one run; the library made of them is active for that run and never saved. */
export interface ModelsOverlay {
  /** Stable per directory, since files of the library's index are named after it. */
  libraryName: string
  folder_paths: FolderPaths
}

/** What a client may say of a library; absent keys stay as they are. */
export interface LibraryPatch { [key: string]: unknown }

/** The outcome of a save: either all keys were valid and are applied, or none is. */
export type UpdateOutcome = { saved: true, changed: string[] } | ({ saved: false } & Refusal)

export interface SettingsChange {
  /** Names of the keys whose effective value changed. */
  keys: ReadonlySet<string>
  /** True when another library became active (or the active one was activated again). */
  libraryActivated: boolean
  /** Set when a library got another name: owners of files that are named after libraries carry theirs over. */
  libraryRenamed?: { from: string, to: string }
}

/** Moves everything of one recipe directory to another. @throws DomainError and nothing is moved */
export type RecipesMover = (from: string, to: string) => Promise<void>

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
  /**
   * Creates a library or changes the given keys of one. Says whether it was created.
   * @throws InvalidInputError with the reason for a name or a folder that can't be used
   */
  saveLibrary (name: string, patch: LibraryPatch): Promise<{ created: boolean }>
  /** @throws NotFoundError, ConflictError when the new name is taken */
  renameLibrary (from: string, to: string): Promise<void>
  /** Forgets the library; no file of it is touched. The first of the others becomes active when it was. @throws NotFoundError, ConflictError for the last one */
  deleteLibrary (name: string): Promise<void>
  /** Listeners run one after the other after each applied change; a failing one is logged, never undoes the change. A listener must not await a change of its own. */
  /** Who moves recipes when the setting names another directory for them; without one, they stay where they are. */
  onRecipesMove (mover: RecipesMover): void
  onChange (listener: (change: SettingsChange) => void | Promise<void>): () => void
  /** Re-reads the file when another program changed it. */
  refresh (): Promise<void>
  close (): Promise<void>
}
