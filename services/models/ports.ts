import type { IndexedModel, ModelEntry } from './entry.ts'
import type { PackedModel } from './packed-model.ts'
import type { ModelType } from './types.ts'
import type { Root, RootStatus } from '../files/types.ts'
import type { Job } from '../jobs/types.ts'

/** Every list parameter after parsing; absent means "no such filter". Clamped, never out of range. */
export interface ListQuery {
  page: number
  pageSize: number
  sort: { key: string, order: 'asc' | 'desc', seed: string }
  folder?: string
  recursive: boolean
  folderInclude: string[]
  folderExclude: string[]
  search: string
  fuzzy: boolean
  searchIn: { fileName: boolean, modelName: boolean, tags: boolean, creator: boolean }
  baseModels: string[]
  subTypes: string[]
  tagInclude: string[]
  tagExclude: string[]
  tagLogic: 'any' | 'all'
  autoTagInclude: string[]
  autoTagExclude: string[]
  favoritesOnly: boolean
  updateAvailableOnly: boolean
  creditRequired?: boolean
  allowSelling?: boolean
  /** Lower-case hashes; non-empty replaces every other filter (models §3.5). */
  hashes: string[]
  firstLetter: string
  namePatternInclude: string[]
  namePatternExclude: string[]
  namePatternUseRegex: boolean
  groupByModel: boolean
  /** A CivitAI model id as text, or `hf:owner/repo`. */
  groupKey: string
}

/** What of the settings decides about answers; part of every cached answer's key. */
export interface IndexPreferences {
  nameDisplay: 'model_name' | 'file_name'
  sfwOnly: boolean
  versionGrouping: 'same_base' | 'any'
}

/** Facts kept outside the library that list items show; each has a version so that cached answers notice a change. */
export interface UsageCounts {
  readonly version: number
  count (model: Pick<ModelEntry, 'sha256'>): number
}
export interface UpdateFlags {
  readonly version: number
  /** models §14.2; no network, never throws */
  available (model: Pick<ModelEntry, 'base_model' | 'civitai'>, grouping: IndexPreferences['versionGrouping']): boolean
}

export interface ListPage {
  /** Complete UTF-8 JSON of the envelope `{items,total,page,page_size,total_pages}`. */
  body: Buffer
  total: number
}

export interface TreeNode { [name: string]: TreeNode }

/**
 * The in-memory index of one model type. Reads are synchronous and touch neither disk nor database.
 * Excluded models are kept aside: they appear only in `excluded*` members and in `get`.
 */
export interface ModelIndex {
  readonly type: ModelType
  /** Grows with every change; cached answers carry it. */
  readonly version: number
  /** Listed models (without excluded ones). */
  readonly size: number
  get (filePath: string): IndexedModel | undefined
  byId (id: number): IndexedModel | undefined
  entries (): IterableIterator<IndexedModel>
  /** SHA-256 of every listed model that has one, 32 bytes each, in no order; far cheaper than `entries`, which makes whole models. A copy, the caller's own. */
  digests (): Promise<Uint8Array<ArrayBuffer>>
  excluded (): IterableIterator<IndexedModel>
  /** How many models of a root there are, excluded ones among them. */
  countIn (rootId: string): number
  /**
   * Applies a batch at once; an entry with a known id replaces the former one. Never takes longer than linear in the batch.
   * Entries are kept as they come, packed ones packed: what is answered of those is made anew each time. Of others, texts that
   * models share are put in place of equal ones, and lists of tags are closed, since several models may share one (give a
   * changed model a new list).
   */
  apply (change: { upsert?: readonly (IndexedModel | PackedModel)[], remove?: readonly number[] }): void
  clear (): void
  /**
   * While it is on, many models are coming: lists show them all, but those that came last may stand at the end rather
   * than in their place. With `sortsLater` nothing is sorted until it is off: `prepareNames` knows nearly the order then.
   */
  bulk (active: boolean, options?: { sortsLater: boolean }): void
  /** Builds orders and postings in slices, so that the first query finds them; call after a bulk load. */
  prepare (): Promise<void>
  /** Builds the usual order only. `likely`: ids in what was that order once, which spares most of the work. */
  prepareNames (likely?: Uint32Array | null): Promise<void>
  /** Ids in the usual order, null while it is not built. */
  nameOrder (): Uint32Array | null
  setOfflineRoots (rootIds: ReadonlySet<string>): void

  list (query: ListQuery): ListPage
  listExcluded (query: ListQuery): ListPage
  /** Ids that pass the filters, in the order asked for (random-sample, cycler-list, autocomplete). */
  select (query: ListQuery): Uint32Array
  /** UTF-8 JSON of one list item. @throws NotFoundError */
  item (id: number): Buffer

  topTags (limit: number): { tag: string, count: number }[]
  searchTags (text: string, limit: number): { tag: string, count: number }[]
  baseModels (limit: number): { name: string, count: number }[]
  modelTypes (limit: number): { type: string, count: number }[]
  folders (): string[]
  /** Nested objects over the folders of one root (all roots when undefined). */
  folderTree (rootId?: string): TreeNode
  letterCounts (): Record<string, number>
  /** UTF-8 JSON of the `duplicates` array, and how many groups it has. */
  duplicates (filter: DuplicateFilter): { groups: Buffer, count: number }
  filenameConflicts (): { groups: Buffer, count: number }
  relativePaths (query: ListQuery, filtered: boolean, search: string, limit: number, offset: number): string[]

  /** models §1.6 */
  lookup (name: string): IndexedModel | undefined
  /** All models whose stem or folder/stem matches, best first (preview-url walks them). */
  lookupAll (name: string): IndexedModel[]
  byHash (hash: string): IndexedModel[]
  byVersionId (versionId: number): IndexedModel[]
  /** All models that are files of a CivitAI model, excluded ones last. */
  byModelId (modelId: number): IndexedModel[]
  /** One descriptor per local version of a CivitAI model. */
  versionsOf (modelId: number): { versionId: number, name: string, fileName: string }[]
  byRelativePath (relativePath: string): IndexedModel | undefined
}

export interface DuplicateFilter {
  baseModels: string[]
  tagInclude: string[]
  tagExclude: string[]
  subTypes: string[]
  folder?: string
  favoritesOnly: boolean
}

export interface ScanOutcome { status: 'success' | 'cancelled', added: number, updated: number, removed: number, moved: number, message: string }

/** Of a scan that was cancelled before it began. */
export const NO_SCAN: ScanOutcome = { status: 'cancelled', added: 0, updated: 0, removed: 0, moved: 0, message: 'The scan was cancelled' }

/** What has just been done to model files on disk, in paths as the index knows them. */
export interface DoneOnDisk {
  /** The row stays the same model: its id, hashes and everything known of it go along. */
  moved?: readonly { from: string, to: string }[]
  removed?: readonly string[]
  /** New files, or files whose sidecar, preview or content changed. */
  changed?: readonly string[]
}

/** The scanner cache of one type: index, persisted rows and the reconcile that keeps both equal to the disk. */
export interface ModelLibrary {
  readonly type: ModelType
  readonly index: ModelIndex
  /** False until the rows of the active library are opened and while a switch is under way: routes answer 503. */
  readonly opened: boolean
  /** True only while there is no usable index yet: the very first scan. */
  readonly initializing: boolean
  roots (): Root[]
  rootStatus (): RootStatus[]
  /** Whether the root is known to be offline or suspect: then nothing below it may be changed. */
  isAway (rootId: string): boolean
  /** Compares disk and rows and applies the difference; a second call joins the running one. */
  reconcile (options?: { full?: boolean, signal?: AbortSignal }): Promise<ScanOutcome>
  /** Starts (or joins) the scan as a job, without waiting for it; undefined while no library is open. */
  startScan (): Job | undefined
  /** Cancels what runs for this type (scan, hashing); never anything that starts later. */
  cancel (): void
  /** The sidecar document as it was last read, or undefined when the model has none. */
  sidecar (filePath: string): Record<string, unknown> | undefined
  /** Path inside one of this type's roots, in the user's spelling, component-wise; @throws PathOutsideLibraryError */
  contain (path: string): { path: string, root: Root, relative: string }
  /** Re-reads one model's files now and brings row and index in step; answers what changed. */
  refresh (filePath: string): Promise<IndexedModel | undefined>
  /**
   * Runs when every earlier change of any of these paths (requests, scans, hashing, sidecars) is done, and holds off
   * later ones until it ends. Paths of other types may be among them.
   */
  exclusively<T> (paths: readonly string[], work: () => Promise<T>): Promise<T>
  /**
   * Brings rows, index and every look-up in step with what was done on disk, before it resolves. The caller holds the
   * paths (`exclusively`). Answers the moved and changed models as they are now, in that order; a file that is gone is left out.
   */
  settle (done: DoneOnDisk): Promise<IndexedModel[]>
  /**
   * A request found no file where the index names a preview: its folder is compared with the disk in the background, which takes
   * another preview of the model or none. No file is erased, and nothing changes while the root is offline (decisions 10).
   */
  missPreview (previewPath: string): void
  /** Starts (or joins) the job that hashes what is pending; `paths` also hashes lazily hashed models. */
  hashPending (paths?: readonly string[]): Job | undefined
  /**
   * SHA-256 of a file as it is now, computed off the loop whatever is known of it, and remembered for this very file.
   * @throws HashingError
   */
  hashFile (filePath: string, signal?: AbortSignal): Promise<string>
  /**
   * AutoV3 of a file: as it is known, else computed off the loop and kept with its model. "" when it has none.
   * @throws HashingError
   */
  tensorHash (filePath: string, signal?: AbortSignal): Promise<string>
  acceptRoot (rootId: string): Promise<void>
}
