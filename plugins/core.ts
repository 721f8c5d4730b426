import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import fp from 'fastify-plugin'
import type { FastifyInstance } from 'fastify'
import type { Core, StartOptions } from '../services/core.ts'
import { acquireLock } from '../services/database/lock.ts'
import { safeLibraryName } from '../services/database/cache.ts'
import { openDatabase } from '../services/database/open.ts'
import { createStateDatabase } from '../services/database/state.ts'
import { assembleDownloads } from '../services/downloads/assemble-downloads.ts'
import { followScans } from '../services/downloads/scan-marks.ts'
import { createExamplePlaces, examplesRoot } from '../services/example-images/places.ts'
import { createShownImages } from '../services/example-images/shown-images.ts'
import { createPathQueue, type PathQueue } from '../services/files/path-queue.ts'
import { createHashPool } from '../services/hashing/pool.ts'
import { createJobSystem } from '../services/jobs/system.ts'
import { createJournal } from '../services/journal/journal.ts'
import type { TrashRoot } from '../services/journal/trash-place.ts'
import { startTrashJanitor } from '../services/journal/trash-janitor.ts'
import type { RecoveryReport } from '../services/journal/types.ts'
import { createCacheShelf } from '../services/models/cache-shelf.ts'
import { createModelIndex } from '../services/models/index/model-index.ts'
import { createMetadata } from '../services/metadata/metadata.ts'
import { createSidecarOverlay, migrateSidecarOverlay } from '../services/models/sidecar-overlay.ts'
import { createModelLibrary, type OpenableModelLibrary } from '../services/models/library.ts'
import { createOrganizer } from '../services/models/organizer.ts'
import { modelTypes, type ModelPrefix } from '../services/models/types.ts'
import type { IndexPreferences } from '../services/models/ports.ts'
import { createDoor } from '../services/network/door.ts'
import { systemClock } from '../services/progress/clock.ts'
import { createProgressHub } from '../services/progress/hub.ts'
import { createProviders } from '../services/providers/providers.ts'
import { createRecipeTreeMove } from '../services/recipes/move-recipe-tree.ts'
import { recipeCacheSchema } from '../services/recipes/recipe-store.ts'
import { createRecipeShelf, type OpenableRecipeShelf } from '../services/recipes/recipe-shelf.ts'
import { isLoopback } from '../services/security/hosts.ts'
import { createSettingsManager } from '../services/settings/manager.ts'
import { modelsOverlay } from '../services/settings/models-overlay.ts'
import type { SettingsManager } from '../services/settings/types.ts'
import { recogniseLayout } from '../services/start/layouts.ts'
import { createUsageCounts } from '../services/stats/usage-counts.ts'
import { createUpdateFlags } from '../services/updates/flags.ts'
import { createOwnedModels } from '../services/updates/owned-models.ts'
import { createUpdates } from '../services/updates/updates.ts'

declare module 'fastify' {
  interface FastifyInstance { core: Core }
}

/** More lanes gain nothing on a disk and take the processor from requests. */
const MOST_HASH_LANES = 4
/** A folder that gives no sign of life for this long counts as hanging. */
const HANG_MS = 30_000
/** The longest that the folders of one type have a start for themselves. */
const MOST_TURN_MS = 10_000

/** What all stacks stand on: settings, scanner caches, progress hub, jobs, the door to other hosts. */
export default fp<{ start: StartOptions }>(async (app, { start: options }) => {
  const lock = await acquireLock(options.settingsDirectory, { host: options.host, port: options.port })
  app.addHook('onClose', () => { lock.release() })
  app.addHook('onListen', (done) => {
    const address = app.server.address()
    if (address !== null && typeof address === 'object') lock.update({ host: address.address, port: address.port })
    done()
  })

  const settings = await openSettings(app, options)
  const state = createStateDatabase(options.settingsDirectory, app.log)
  migrateSidecarOverlay(state)
  const hub = createProgressHub()
  const jobs = createJobSystem({ state, hub, logger: app.log })
  const door = createDoor({ settings, logger: app.log })
  const providers = createProviders({
    door,
    settings,
    openArchive: (file) => openDatabase(file, { readonly: true }),
    warn: (message, error) => { app.log.warn({ err: error }, message) }
  })
  const libraries = createLibraries(app, options, { settings, state, hub, jobs })
  const recipeRoots = (): { path: string }[] => [recipes.root(), ...recipeTrees.targets()].flatMap((path) => path === null ? [] : [{ path }])
  const roots = (): TrashRoot[] => [...libraries.all.flatMap((library) => library.roots()), ...recipeRoots(), ...examplesRoot(settings)]
  const journal = createJournal({ state, logger: app.log, roots })
  const janitor = startTrashJanitor({ journal, settings, logger: app.log })
  const organizer = createOrganizer({ libraries: libraries.all, settings, journal, jobs, hub, state })
  const models = Object.fromEntries(libraries.all.map((library) => [library.type.prefix, library])) as Record<ModelPrefix, OpenableModelLibrary>

  const recipeTrees = createRecipeTreeMove({ journal, paths: libraries.paths })
  settings.onRecipesMove(recipeTrees.move)
  const recipes = createRecipes(app, options, { settings, models, hub, jobs, journal }, libraries.paths)

  // Of its own: what a download waits for must not stand behind a library that is hashed for the first time.
  const fileHashes = createHashPool({ lanes: 1 })
  const warn = (message: string, error: unknown): void => { app.log.warn({ err: error }, message) }
  const downloads = assembleDownloads({ core: { settings, models, hub, jobs, journal, door, providers, state }, hashPool: fileHashes, logger: app.log })
  const stopMarking = followScans({ hub, mark: downloads.markLibraries, warn })

  const sidecarOverlay = createSidecarOverlay(state.db)
  const metadata = createMetadata({ libraries: libraries.all, journal, overlay: sidecarOverlay, jobs, hub, state, settings, door, providers, logger: app.log })
  const updates = createUpdates({ ...libraries.updates, libraries: libraries.all, journal, overlay: sidecarOverlay, jobs, hub, state, settings, providers, metadata, logger: app.log })

  app.decorate('core', { settings, models, hub, jobs, journal, organizer, sidecarOverlay, door, providers, downloads, metadata, updates, recipes, shownImages: createShownImages({ places: createExamplePlaces({ settings }) }), state, version: programVersion(), onlyThisMachine: isLoopback(options.host) } satisfies Core)

  app.addHook('onReady', (done) => {
    jobs.recover()
    downloads.recover()
    openLibraries(app, libraries.all, recipes, journal.recover()).catch((error: unknown) => { app.log.error({ err: error }, 'the libraries could not be opened') })
    done()
  })
  app.addHook('onClose', async () => {
    libraries.stop()
    recipes.stop()
    stopMarking()
    metadata.close()
    await jobs.close()
    await downloads.close()
    await fileHashes.close()
    await janitor.close()
    await recipes.close()
    await libraries.close()
    updates.close()
    hub.close()
    await door.close()
    providers.close()
    await settings.close()
    state.close()
  })
}, { name: 'core', fastify: '5.x' })

/** What an earlier process left in the middle is ended before anything looks at the files. */
async function openLibraries (app: FastifyInstance, libraries: readonly OpenableModelLibrary[], recipes: OpenableRecipeShelf, recovering: Promise<RecoveryReport>): Promise<void> {
  try {
    const { operations } = await recovering
    for (const { id, kind, state, units } of operations) {
      const outcomes = units.map(({ key, outcome, reason }) => `${key}: ${outcome}${reason === undefined ? '' : ` (${reason})`}`)
      app.log.warn({ operation: id, state, units: outcomes }, `a ${kind} that an earlier process left in the middle is now ${state}`)
    }
  } catch (error) {
    app.log.error({ err: error }, 'changes that an earlier process left in the middle could not be ended')
  }
  let loadedAll = (): void => undefined
  const loaded = new Promise<void>((resolve) => { loadedAll = resolve })
  // The library itself tells why it could not be opened.
  const open = async (opening: Promise<void>): Promise<void> => { await opening.catch(() => undefined) }
  let turn: Promise<void> = loaded
  const opening = libraries.map(async (library) => {
    const mine = turn
    turn = mine.then(async () => { await untilCompared(library) })
    await open(library.open(mine))
  })
  // Disks are read when everything that is known is shown: until then the processor has other things to do.
  await Promise.all([...opening, open(recipes.open())]).then(loadedAll)
}

/**
 * Folders are compared type by type: side by side they take longer, and what each thread leaves behind in the memory of the process
 * adds up. Nothing waits for a first scan, nor long for a disk that does not answer.
 */
async function untilCompared (library: OpenableModelLibrary): Promise<void> {
  if (!library.initializing) await Promise.race([library.compared(), delay(MOST_TURN_MS, undefined, { ref: false })])
}

async function openSettings (app: FastifyInstance, { settingsDirectory, settingsOverlay, modelsDirectory, providers }: StartOptions): Promise<SettingsManager> {
  const layout = modelsDirectory === null ? null : await recogniseLayout(modelsDirectory)
  if (layout) app.log.info({ layout: layout.layout, folders: layout.folder_paths }, 'serving the folders of this run')
  return createSettingsManager({
    directory: settingsDirectory,
    overlay: Object.keys(providers).length > 0 ? { ...settingsOverlay, provider_base_urls: providers } : settingsOverlay,
    modelsOverlay: modelsDirectory !== null && layout ? modelsOverlay(modelsDirectory, layout.folder_paths) : null,
    logger: app.log
  })
}

function createLibraries (app: FastifyInstance, { settingsDirectory, persistentCache, scanOnStart }: StartOptions, core: Pick<Core, 'settings' | 'state' | 'hub' | 'jobs'>) {
  const { settings } = core
  const hashLanes = Math.min(availableParallelism(), MOST_HASH_LANES)
  const hashPool = createHashPool({ lanes: hashLanes })
  const caches = createCacheShelf({ settingsDirectory, persistent: persistentCache, logger: app.log })
  const paths = createPathQueue()
  const warn = (message: string, error: unknown): void => { app.log.warn({ err: error }, message) }
  const usage = createUsageCounts({ file: join(settingsDirectory, 'stats', 'lora_manager_stats.json'), warn })
  const file = (): string => join(settingsDirectory, 'cache', 'model_update', `${safeLibraryName(settings.activeLibrary().name)}.sqlite`)
  const owned = createOwnedModels(() => all)
  const flags = createUpdateFlags({ file, owned, open: (path) => openDatabase(path, { readonly: true }), settings, warn })
  Promise.all([usage.refresh(), flags.refresh()]).catch((error: unknown) => { warn('usage counts or update records could not be read', error) })

  const all: OpenableModelLibrary[] = modelTypes.map((type) => createModelLibrary({
    ...core,
    type,
    caches,
    hashPool,
    hashLanes,
    paths,
    index: createModelIndex({ type, preferences: () => preferencesOf(settings), usage, updates: flags }),
    scanOnStart,
    hangMs: HANG_MS,
    clock: systemClock,
    logger: app.log
  }))
  return {
    all,
    updates: { file, owned, flags },
    paths,
    stop () { for (const library of all) library.stop() },
    async close () {
      await Promise.all(all.map(async (library) => { await library.close() }))
      await hashPool.close()
      caches.close()
    }
  }
}

function createRecipes (app: FastifyInstance, { settingsDirectory, persistentCache, scanOnStart }: StartOptions, core: Pick<Core, 'settings' | 'models' | 'hub' | 'jobs' | 'journal'>, paths: PathQueue): OpenableRecipeShelf {
  const caches = createCacheShelf({ settingsDirectory, persistent: persistentCache, schema: recipeCacheSchema, logger: app.log })
  app.addHook('onClose', () => { caches.close() })
  return createRecipeShelf({
    ...core,
    loras: core.models.loras.index,
    checkpoints: core.models.checkpoints.index,
    caches,
    paths,
    lastOpenedFile: join(settingsDirectory, 'stats', 'recipe_last_opened.json'),
    clock: systemClock,
    hangMs: HANG_MS,
    scanOnStart,
    logger: app.log
  })
}

function preferencesOf (settings: SettingsManager): IndexPreferences {
  return {
    nameDisplay: settings.get('model_name_display') === 'file_name' ? 'file_name' : 'model_name',
    sfwOnly: settings.get('show_only_sfw') === true,
    versionGrouping: settings.get('version_grouping') === 'any' ? 'any' : 'same_base'
  }
}

function programVersion (): string {
  // The sources lie one folder below package.json, the built files two.
  const file = new URL(import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json', import.meta.url)
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string }
  return version
}
