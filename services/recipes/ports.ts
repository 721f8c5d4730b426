import type { IndexedModel } from '../models/entry.ts'
import type { ScanOutcome, TreeNode } from '../models/ports.ts'
import type { Job } from '../jobs/types.ts'
import type { RootStatus } from '../files/types.ts'
import type { OperationResult } from '../journal/types.ts'
import type { RecipeCheckpointEntry, RecipeDocument, RecipeLoraEntry } from './schema.ts'

/** How an entry of a recipe was found in the library, best first. */
export type BoundBy = 'hash' | 'version-id' | 'path' | 'name'

/**
 * What the library has for a LoRA or checkpoint of a recipe.
 * `ambiguous`: only its name speaks for it, and more than one model bears that name. `missing`: nothing fits.
 */
export type Binding =
  | { state: 'bound', by: BoundBy, model: IndexedModel }
  | { state: 'ambiguous', candidates: IndexedModel[] }
  | { state: 'missing' }

/** A recipe as the shelf knows it. */
export interface Recipe {
  /** Its own copy: whoever asks may change it. */
  document: RecipeDocument
  /** Absolute path of `<id>.recipe.json`. */
  jsonPath: string
  /** Absolute path of the image or video (`file_path`). */
  imagePath: string
  /** Folder below the recipe directory where it lies now, "" at the top. */
  folder: string
}

/** Bytes in hand, or a file of ours that is copied (never moved). */
export type MediaSource = { data: Uint8Array } | { file: string }

export interface NewRecipe {
  /**
   * Members as they are to be stored, without `id`, `file_path`, `folder`, `created_date`, `modified`, `fingerprint`: those are
   * made here. Null and undefined members are left out.
   */
  document: Record<string, unknown> & { title: string }
  /** The image or video as it is to be stored; what it embeds of parameters and workflow stays, the recipe is added to it. */
  image: MediaSource & { extension: string }
  /** Kept untouched beside it as `<id>.original.<ext>`. */
  original?: MediaSource & { extension: string }
  /** Folder below the recipe directory, "" by default. */
  folder?: string
}

export interface SavedRecipe extends Recipe {
  /** Of the journal; undoing it takes the recipe away again. */
  operation: string
  /** Recipes that were there before with the same non-empty fingerprint. */
  matches: RecipeMatch[]
}

/** What `matching_recipes` and groups of duplicates say of a recipe. */
export interface RecipeMatch {
  id: string
  title: string
  file_url: string
  modified: number | null
  created_date: number | null
  lora_count: number
}

/** Recipes of which one may be enough. */
export interface RecipeGroup {
  type: 'fingerprint' | 'source_path'
  key: string
  /** Of a `source_path` group, that path. */
  fingerprint: string
  count: number
  /** Newest first; as lists show them, with `lora_count`. */
  recipes: Record<string, unknown>[]
}

/** How the recipe directory was found at the last look, in the form that roots of models have. */
export interface RecipeRootStatus extends Omit<RootStatus, 'type' | 'folder_key'> {
  type: 'recipe'
  folder_key: 'recipes_path'
  recipes: number
}

export interface ChangeOptions {
  /** The route or job that asks, for the journal. */
  route: string
  /** For people: what was done, in a few words. */
  summary?: string
}

export interface RemovedRecipes {
  deleted: string[]
  failed: { id: string, reason: string }[]
  /** Undoes all of it; null when nothing was deleted. */
  batchId: string | null
}

export interface MovedRecipe {
  id: string
  /** False: it was there already. */
  moved: boolean
  from: string
  to: string
  jsonPath: string
  folder: string
}

/** Every list parameter after parsing; absent means "no such filter". */
export interface RecipeQuery {
  page: number
  pageSize: number
  sort: string
  search: string
  searchIn: { title: boolean, tags: boolean, loraName: boolean, loraModel: boolean, prompt: boolean }
  folder?: string
  recursive: boolean
  baseModels: string[]
  favoritesOnly: boolean
  tagInclude: string[]
  tagExclude: string[]
  /** Lower-case; replaces every other filter but that of unsafe images. */
  loraHash: string
  checkpointHash: string
}

/** The recipes of the active library: files on disk, rows that answer before the disk does, and the index over them. */
export interface RecipeShelf {
  /** False until the rows of the active library are in the index and while a switch is under way. */
  readonly opened: boolean
  /** True while there is nothing to show yet because the directory is read for the first time. */
  readonly initializing: boolean
  /** Grows with every change. */
  readonly version: number
  /** Recipes in the index. */
  readonly size: number
  /** The recipe directory, absolute with `/`; null when no library folder says where. */
  root (): string | null

  /** Reads one row; nothing of the disk. */
  get (id: string): Recipe | undefined
  /** As its file is now; as it was last seen when the file can't be read. */
  read (id: string): Promise<Recipe | undefined>
  has (id: string): boolean
  /** In the order of the files' paths. */
  ids (): string[]
  /** UTF-8 JSON of the whole answer of the list route. */
  list (query: RecipeQuery): Promise<Buffer>
  /** As the answers show it: with what the library has of its models, `file_url`, and (unless `dates` is false) formatted dates. */
  present (recipe: Recipe, options?: { dates: boolean }): Record<string, unknown>
  /** One entry as the answers show it. */
  presentLora (entry: RecipeLoraEntry, baseModel?: string): Record<string, unknown>

  /** UTF-8 JSON of the groups of at least two recipes (a list of RecipeGroup), the largest first. */
  duplicates (options: { includePrompt: boolean, includeSeed: boolean }): Buffer
  /** By the fingerprint as it is compared: every hash resolved to the SHA-256 of the library where it can be. */
  byFingerprint (fingerprint: string, options?: { except?: string }): RecipeMatch[]
  /** Ids of recipes with a LoRA of that hash, any kind, without case. */
  byLoraHash (hash: string): string[]
  byCheckpointHash (hash: string): string[]
  /** Exactly this text as `source_path`. */
  bySource (sourcePath: string): string[]
  /** By the CivitAI image that `source_path` names; the newest first. */
  byImageId (imageId: string): string[]

  /**
   * Which model of the library an entry means: by hash (SHA-256, AutoV2, AutoV3 and those CivitAI names), then version id,
   * then path relative to its folder, then name if only one model bears it. A name never overrules a hash that is given.
   */
  bindLora (entry: RecipeLoraEntry, baseModel?: string): Binding
  bindCheckpoint (entry: RecipeCheckpointEntry): Binding

  /**
   * Writes image and document as one change: both or none. Index, rows and events are in step before it resolves.
   * @throws OfflineError, InvalidInputError; ConflictError when a file stands in the way
   */
  add (recipe: NewRecipe, options: ChangeOptions & { id?: string }): Promise<SavedRecipe>
  /**
   * One after the other per recipe: reads the file as it is now, hands a copy of its document to `change` and writes what that
   * answers (null or the same: nothing is written). What is not touched keeps its bytes. The fingerprint is made anew when LoRAs
   * changed, the image's embedded recipe follows. Answers the recipe as it is then.
   * @throws NotFoundError, OfflineError; ConflictError when another program changed it meanwhile
   */
  edit (id: string, change: (document: RecipeDocument) => RecipeDocument | null, options: ChangeOptions): Promise<Recipe>
  /** The same recipe (id, folder, `created_date`) from another image and document; the old files go to the trash. @throws as `add` */
  replace (id: string, recipe: NewRecipe, options: ChangeOptions): Promise<SavedRecipe>
  /** To the trash, as one operation. */
  remove (ids: readonly string[], options: ChangeOptions & { signal?: AbortSignal }): Promise<RemovedRecipes>
  /**
   * Into a folder, absolute or relative to the recipe directory.
   * @throws NotFoundError, InvalidInputError, PathOutsideLibraryError, ConflictError, OfflineError
   */
  move (id: string, targetPath: string, options: ChangeOptions): Promise<MovedRecipe>

  /** Compares disk and rows and applies the difference; joins a running scan. */
  scan (options?: { full?: boolean, signal?: AbortSignal }): Promise<ScanOutcome>
  startScan (): Job | undefined
  /** Brings rows and index in step with files that the journal changed (an undo, a restore). */
  settle (operation: Pick<OperationResult, 'id' | 'units'>): Promise<void>
  /** Holds off other changes of these files while the work runs. */
  exclusively<T> (paths: readonly string[], work: () => Promise<T>): Promise<T>

  topTags (limit: number): { tag: string, count: number }[]
  searchTags (text: string, limit: number): { tag: string, count: number }[]
  baseModels (limit: number): { name: string, count: number }[]
  folders (): string[]
  folderTree (): Promise<TreeNode>

  /** When it was last opened in a client, in seconds; undefined: never. */
  lastOpened (id: string): number | undefined
  /** Notes that it is opened now; its files stay as they are. @throws NotFoundError */
  markOpened (id: string): Promise<void>

  rootStatus (): RecipeRootStatus | null
  /** What the directory shows is believed from now on, however much of it is missing. */
  acceptRoot (): Promise<void>
}
