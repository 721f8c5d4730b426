import Fastify, { type FastifyInstance, type RouteOptions } from 'fastify'
import { PathOutsideLibraryError } from '../../services/errors.ts'
import errorHandler from '../../plugins/error-handler.ts'
import { fastifyOptions } from '../../plugins/server-options.ts'
import validation from '../../plugins/validation.ts'
import modelRoutes, { sharedModelRoutes } from '../../routes/models/index.ts'
import webRoutes from '../../routes/web/index.ts'
import { containedIn, normalizeClientPath } from '../../services/files/safe-path.ts'
import type { Core } from '../../services/core.ts'
import type { Root } from '../../services/files/types.ts'
import type { IndexedModel } from '../../services/models/entry.ts'
import type { ListQuery, ModelIndex, ModelLibrary } from '../../services/models/ports.ts'
import { sampleModel } from './sample-model.ts'
import { modelTypes, type FolderKey, type ModelPrefix, type ModelType } from '../../services/models/types.ts'

/** What tap's `t` gives that we use. */
interface TestScope { teardown: (fn: () => unknown) => void }

export function indexedModel (over: Partial<IndexedModel> & { file_path: string }): IndexedModel {
  const name = over.file_path.split('/').at(-1)?.replace(/\.\w+$/, '') ?? ''
  return sampleModel({ file_name: name, model_name: name, size: 1, modified: 1.5, base_model: 'SD 1.5', ...over })
}

const root = (type: ModelType, folderKey: FolderKey, path: string): Root => ({ id: `${folderKey}:${path}`, type: type.name, folderKey, path, extra: false, subType: null })

export interface LibraryParts {
  roots?: Partial<Record<FolderKey, string[]>>
  models?: IndexedModel[]
  index?: Partial<ModelIndex>
  library?: Partial<ModelLibrary>
}

/** A library over an array: enough of the port to see what routes ask for and what they make of the answers. */
export function arrayLibrary (type: ModelType, { roots = {}, models = [], index = {}, library = {} }: LibraryParts): ModelLibrary {
  const own = type.folders.flatMap(({ key }) => (roots[key] ?? []).map((path) => root(type, key, path)))
  const page = (query: ListQuery) => ({ body: Buffer.from(JSON.stringify({ items: [], total: 0, page: query.page, page_size: query.pageSize, total_pages: 0 })), total: 0 })
  const none = { groups: Buffer.from('[]'), count: 0 }
  const stub: Partial<ModelIndex> = {
    type,
    version: 1,
    size: models.length,
    entries: () => models.values(),
    get: (path) => models.find((model) => model.file_path === path),
    byId: (id) => models.find((model) => model.id === id),
    list: page,
    listExcluded: page,
    select: () => Uint32Array.from(models, ({ id }) => id),
    topTags: () => [{ tag: 'anime', count: 2 }],
    searchTags: () => [{ tag: 'anime', count: 2 }],
    baseModels: () => [{ name: 'SD 1.5', count: 1 }],
    modelTypes: () => [{ type: 'lora', count: 1 }],
    folders: () => ['', 'a'],
    folderTree: (id) => id === undefined ? { a: {}, b: {} } : { a: {} },
    letterCounts: () => ({ A: 1 }),
    duplicates: () => none,
    filenameConflicts: () => none,
    relativePaths: () => ['a/b.safetensors'],
    lookup: (name) => models.find((model) => model.file_name === name || `${model.folder}/${model.file_name}` === name),
    lookupAll: (name) => models.filter((model) => model.file_name === name),
    byRelativePath: (path) => models.find((model) => model.file_path.endsWith(`/${path}`)),
    ...index
  }
  return {
    type,
    index: stub as ModelIndex,
    opened: true,
    initializing: false,
    roots: () => own,
    rootStatus: () => own.map(({ folderKey, subType, ...one }) => ({ ...one, folder_key: folderKey, sub_type: subType, state: 'online', reason: null, models: 0, last_reconcile: null, last_duration_ms: null, bytes_hashed: 0, read_only: false })),
    reconcile: async () => ({ status: 'success', added: 0, updated: 0, removed: 0, moved: 0, message: 'done' }),
    cancel () {},
    sidecar: () => undefined,
    refresh: async () => undefined,
    missPreview () {},
    hashPending: () => undefined,
    acceptRoot: async () => {},
    startScan: () => undefined,
    exclusively: async (_paths, work) => await work(),
    settle: async () => [],
    isAway: () => false,
    hashFile: async () => '',
    tensorHash: async () => '',
    contain (path) {
      const normal = normalizeClientPath(path)
      const found = own.find((one) => containedIn(one.path, normal))
      if (!found) throw new PathOutsideLibraryError()
      return { path: normal, root: found, relative: normal.slice(found.path.length + 1) }
    },
    ...library
  }
}

export interface ModelAppParts {
  libraries?: Partial<Record<ModelPrefix, LibraryParts>>
  settings?: Record<string, unknown>
  directory?: string
  core?: Partial<Core>
}

export interface ModelApp { app: FastifyInstance, routes: RouteOptions[], broadcasts: { channel: string, frame: Record<string, unknown> }[], core: Core }

/** A core of hand-made ports around array libraries. */
function coreOf ({ libraries = {}, settings = {}, directory = '/nowhere', core = {} }: ModelAppParts, broadcasts: ModelApp['broadcasts']): Core {
  const made = modelTypes.map((type): [ModelPrefix, ModelLibrary] => [type.prefix, arrayLibrary(type, libraries[type.prefix] ?? {})])
  const parts = {
    settings: { get: (key: string) => settings[key], refresh: async () => {}, onChange: () => () => {}, directory, file: `${directory}/settings.json`, activeLibrary: () => ({ name: 'default', library: { recipes_path: settings.recipes_path ?? '', folder_paths: {} } }) },
    models: Object.fromEntries(made),
    organizer: { cancel () {} },
    providers: {},
    downloads: {},
    recipes: { opened: true, initializing: false, root: () => null },
    metadata: { refresher: { cancel () {} } },
    updates: { cancel () {} },
    shownImages: { among: async (_hash: string, civitai: Record<string, unknown>) => civitai },
    hub: { broadcast: (channel: string, frame: Record<string, unknown>) => { broadcasts.push({ channel, frame }) }, snapshot: () => undefined },
    door: { register () {}, destinations: () => [], request: async () => { throw new Error('no network in tests') } },
    version: '1.2.3',
    ...core
  }
  return parts as unknown as Core
}

/** The model and page routes behind the real error handler and validation. */
export async function modelApp (t: TestScope, parts: ModelAppParts = {}): Promise<ModelApp> {
  const broadcasts: ModelApp['broadcasts'] = []
  const core = coreOf(parts, broadcasts)
  const app = Fastify({ ...fastifyOptions({ logLevel: 'silent' }), logger: false })
  app.decorate('core', core)
  const routes: RouteOptions[] = []
  app.addHook('onRoute', (route) => { if (route.method !== 'HEAD') routes.push(route) })
  await app.register(errorHandler)
  await app.register(validation)
  await registerModelStack(app as unknown as FastifyInstance)
  t.teardown(() => app.close())
  await app.ready()
  return { app: app as unknown as FastifyInstance, routes, broadcasts, core }
}

export async function registerModelStack (app: Pick<FastifyInstance, 'register'>): Promise<void> {
  for (const type of modelTypes) await app.register(modelRoutes, { type })
  await app.register(sharedModelRoutes)
  await app.register(webRoutes)
}
