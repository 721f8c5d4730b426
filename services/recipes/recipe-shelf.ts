import { NotFoundError, InvalidInputError, ServiceNotReadyError } from '../errors.ts'
import type { PathQueue } from '../files/path-queue.ts'
import { rootId } from '../files/roots.ts'
import type { JobSystem } from '../jobs/types.ts'
import type { Journal } from '../journal/types.ts'
import type { Logger } from '../logger.ts'
import type { CacheShelf } from '../models/cache-shelf.ts'
import type { ModelIndex, ScanOutcome } from '../models/ports.ts'
import type { Clock } from '../progress/clock.ts'
import type { ProgressHub } from '../progress/types.ts'
import type { SettingsManager } from '../settings/types.ts'
import { bindEntry } from './bind-entry.ts'
import type { ChangeContext, ChangedIds } from './change-context.ts'
import { changedDocuments } from './changed-documents.ts'
import { createRecipeEditor } from './edit-recipe.ts'
import { followRenames } from './follow-renames.ts'
import { createLastOpened } from './last-opened.ts'
import { createRecipeMove } from './move-recipe.ts'
import type { Recipe, RecipeRootStatus, RecipeShelf } from './ports.ts'
import { createPresenter } from './present-recipe.ts'
import { createRecipeAnswers } from './recipe-answers.ts'
import { addDuplicateRecipes } from './recipe-duplicates.ts'
import { documentOf } from './recipe-entry.ts'
import { createRecipeFacets } from './recipe-facets.ts'
import { readRecipe } from './recipe-file.ts'
import { createRecipeIndex } from './recipe-index.ts'
import { createRecipeLifecycle, type RecipeLifecycle } from './recipe-lifecycle.ts'
import { createRecipeLookups, recipeMatch } from './recipe-lookups.ts'
import { readRecipeFile } from './recipe-row.ts'
import type { StoredRecipe, WholeRecipe } from './recipe-store.ts'
import type { RecipeSession } from './recipe-session.ts'
import { createRecipeRemoval } from './remove-recipes.ts'
import { createSearchShelf } from './search-shelf.ts'
import { selectRecipes } from './select-recipes.ts'
import { createRecipeWriter } from './write-recipe.ts'

export interface RecipeShelfDeps {
  settings: Pick<SettingsManager, 'get' | 'activeLibrary' | 'onChange'>
  loras: ModelIndex
  checkpoints: ModelIndex
  caches: CacheShelf
  journal: Pick<Journal, 'run'>
  jobs: JobSystem
  hub: Pick<ProgressHub, 'publish' | 'broadcast' | 'subscribe'>
  /** The queue that changes of models stand in, too: undoing holds paths of either. */
  paths: PathQueue
  lastOpenedFile: string
  clock: Clock
  /** Milliseconds after which a disk that does not answer counts as away. */
  hangMs: number
  /** False in tests that drive scans by hand. */
  scanOnStart: boolean
  logger: Logger
}

/** A shelf with its life cycle, for whoever composes the core. */
export interface OpenableRecipeShelf extends RecipeShelf, Pick<RecipeLifecycle, 'open' | 'idle' | 'stop'> {
  close (): Promise<void>
}

export function createRecipeShelf (deps: RecipeShelfDeps): OpenableRecipeShelf {
  const { hub, settings, logger, loras, checkpoints } = deps
  const seconds = (): number => deps.clock.now() / 1000
  const warn = (message: string, error: unknown): void => { logger.warn({ err: error }, message) }
  const index = createRecipeIndex()
  const whole = (row: StoredRecipe): WholeRecipe | undefined => lifecycle.session()?.store.read(row)
  const wholes = (rows: readonly StoredRecipe[]): (WholeRecipe | undefined)[] => lifecycle.session()?.store.readAll(rows) ?? []
  const presenter = createPresenter({ loras, checkpoints })
  const lookups = createRecipeLookups({ index, loras, checkpoints })
  const search = createSearchShelf({
    index,
    readAll: wholes,
    async prepare () {
      await index.postings.prepare()
      await lookups.prepare()
    },
    onError: (error) => { warn('the search index of the recipes could not be filled', error) }
  })
  const lastOpened = createLastOpened({ file: deps.lastOpenedFile, now: seconds, warn })
  const lifecycle = createRecipeLifecycle({ ...deps, index, onScanned: announceScan })
  const sfwOnly = (): boolean => settings.get('show_only_sfw') === true
  const answers = createRecipeAnswers({
    index,
    readAll: wholes,
    presenter,
    select: (query) => selectRecipes({ index, sfwOnly, search: search.find, withLora: lookups.withLora, withCheckpoint: lookups.withCheckpoint, lastOpened: lastOpened.at }, query),
    modelStamp: () => `${loras.version}.${checkpoints.version}`,
    selectionStamp: () => `${index.version}.${lastOpened.version}.${sfwOnly()}.${loras.version}.${checkpoints.version}`
  })
  const context: ChangeContext = { index, journal: deps.journal, paths: deps.paths, logger, now: seconds, online, read: get, matching: lookups.matching, announce }

  function announceScan ({ added, updated, removed }: ScanOutcome): void {
    if (added + updated + removed === 0) return
    hub.publish('recipes.changed', { created: added, updated, deleted: removed })
    hub.broadcast('fetch', { type: 'recipes_changed' })
  }

  function announce ({ created = [], updated = [], deleted = [] }: ChangedIds, operation: string | undefined): void {
    const refs = operation === undefined ? {} : { operation }
    for (const id of created) hub.publish('recipe.created', { id }, refs)
    for (const id of updated) hub.publish('recipe.updated', { id }, refs)
    for (const id of deleted) hub.publish('recipe.deleted', { id }, refs)
    hub.publish('recipes.changed', { created: created.length, updated: updated.length, deleted: deleted.length }, refs)
    hub.broadcast('fetch', { type: 'recipes_changed', ids: [...created, ...updated, ...deleted] })
  }

  function online (): RecipeSession {
    const session = lifecycle.session()
    if (!lifecycle.opened) throw new ServiceNotReadyError()
    if (!session) throw new InvalidInputError('No folder of the library says where recipes lie: set recipes_path or a LoRA folder', 'no-recipe-directory')
    session.requireOnline()
    return session
  }

  function get (id: string): Recipe | undefined {
    const entry = index.get(id)
    const found = entry && whole(entry)
    return found && { document: documentOf(found.body), ...placeOf(found.row) }
  }

  async function read (id: string): Promise<Recipe | undefined> {
    const entry = index.get(id)
    if (!entry) return undefined
    // a file that can't be read now is shown as it was last seen
    const file = await readRecipeFile(entry.jsonPath).catch(() => undefined)
    if (!file || 'problem' in file) return get(id)
    const document = readRecipe(file.raw, { imagePath: entry.image.path, folder: entry.folder })
    document.has_workflow ??= entry.image.hasWorkflow
    return { ...placeOf(entry), document }
  }

  const edit = createRecipeEditor(context)
  const byLoraHash = (hash: string): string[] => idsAt(lookups.withLora(hash))
  const stopFollowing = followRenames({ hub, recipes: { edit, byLoraHash }, warn })
  const idsAt = (slots: Iterable<number>): string[] => Array.from(slots, (slot) => index.at(slot)?.recipeId ?? '').filter((id) => id !== '')

  return {
    get opened () { return lifecycle.opened },
    get initializing () { return !lifecycle.opened || lifecycle.session()?.fresh === true },
    get version () { return index.version },
    get size () { return index.size },
    root: () => lifecycle.session()?.root ?? null,
    get,
    read,
    has: (id) => index.get(id) !== undefined,
    ids: () => Array.from(index.entries(), ([, entry]) => entry).sort((a, b) => a.jsonPath < b.jsonPath ? -1 : 1).map(({ recipeId }) => recipeId),
    async list (query) {
      if (query.search.trim() !== '') await search.settle()
      if (query.sort.startsWith('opened')) await lastOpened.refresh()
      return answers.list(query)
    },
    present: (recipe, options) => presenter.recipe(recipe, options),
    presentLora: presenter.lora,
    duplicates: (options) => answers.kept(`duplicates ${options.includePrompt} ${options.includeSeed}`, (add, items) => { addDuplicateRecipes({ index, read: whole, lookups, items, add }, options) }),
    byFingerprint: (fingerprint, { except } = {}) => lookups.matching(fingerprint, except).map(recipeMatch),
    byLoraHash,
    byCheckpointHash: (hash) => idsAt(lookups.withCheckpoint(hash)),
    bySource: (source) => idsAt(index.postings.source.get(source.trim())),
    byImageId: (imageId) => idsAt(index.postings.imageId.get(imageId)).reverse(),
    bindLora: (entry, baseModel) => bindEntry(loras, entry, baseModel),
    bindCheckpoint: (entry) => bindEntry(checkpoints, entry),

    ...createRecipeWriter(context),
    edit,
    remove: createRecipeRemoval(context),
    move: createRecipeMove(context),

    scan: async ({ full = false, signal } = {}) => await lifecycle.scan({ full, ...(signal && { signal }) }),
    startScan: lifecycle.startScan,
    async settle (operation) {
      const session = lifecycle.session()
      if (!session) return
      const paths = changedDocuments(session.root, operation)
      const before = new Set(idsOfFiles(index, paths))
      for (const path of paths) await session.refresh(path)
      const now = new Set(idsOfFiles(index, paths))
      if (paths.length > 0) announce({ created: [...now].filter((id) => !before.has(id)), updated: [...now].filter((id) => before.has(id)), deleted: [...before].filter((id) => !now.has(id)) }, operation.id)
    },
    exclusively: async (paths, work) => await deps.paths.runAll([...new Set(paths)], work),
    ...createRecipeFacets(index, () => lifecycle.session()?.root ?? null),

    lastOpened: lastOpened.at,
    async markOpened (id) {
      const entry = index.get(id)
      const file = entry && await readRecipeFile(entry.jsonPath)
      if (!file) throw new NotFoundError('Recipe not found', 'recipe-not-found')
      lastOpened.open(id)
    },
    rootStatus: () => statusOf(lifecycle.session(), index.size),
    async acceptRoot () {
      const session = lifecycle.session()
      if (!session) return
      session.accept()
      await lifecycle.scan({ full: false })
      // what ran already had begun without that word
      if (session.state.state !== 'online') await lifecycle.scan({ full: false })
    },

    open: async () => {
      await lastOpened.refresh().catch((error: unknown) => { warn('when recipes were opened could not be read', error) })
      await lifecycle.open()
    },
    idle: lifecycle.idle,
    stop: lifecycle.stop,
    async close () {
      await stopFollowing()
      await lifecycle.close()
      await lastOpened.close()
    }
  }
}

function idsOfFiles (index: ReturnType<typeof createRecipeIndex>, paths: readonly string[]): string[] {
  const wanted = new Set(paths)
  return Array.from(index.entries(), ([, entry]) => entry).filter(({ jsonPath }) => wanted.has(jsonPath)).map(({ recipeId }) => recipeId)
}

function placeOf ({ jsonPath, image, folder }: StoredRecipe): Omit<Recipe, 'document'> {
  return { jsonPath, imagePath: image.path, folder }
}

function statusOf (session: RecipeSession | null, recipes: number): RecipeRootStatus | null {
  if (!session) return null
  const { root: path, state: { state, reason, lastScan, durationMs } } = session
  return {
    id: rootId('recipe', path),
    type: 'recipe',
    folder_key: 'recipes_path',
    path,
    extra: false,
    sub_type: null,
    state,
    reason,
    models: 0,
    recipes,
    last_reconcile: lastScan,
    last_duration_ms: durationMs,
    bytes_hashed: 0,
    read_only: false
  }
}
