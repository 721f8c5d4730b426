import { ServiceNotReadyError } from '../errors.ts'
import { createScanJob } from '../jobs/scan-job.ts'
import type { Job, JobSystem } from '../jobs/types.ts'
import type { Logger } from '../logger.ts'
import { createInitProgress, type InitProgress } from '../models/init-progress.ts'
import { NO_SCAN, type ScanOutcome } from '../models/ports.ts'
import type { ProgressHub } from '../progress/types.ts'
import { recipesDirectory } from '../settings/recipes-directory.ts'
import type { SettingsChange, SettingsManager } from '../settings/types.ts'
import type { RecipeIndex } from './recipe-index.ts'
import { openRecipeSession, type RecipeSession, type RecipeSessionDeps } from './recipe-session.ts'

export interface RecipeLifecycleDeps extends Pick<RecipeSessionDeps, 'caches' | 'journal' | 'onScanned' | 'hangMs'> {
  settings: Pick<SettingsManager, 'get' | 'activeLibrary' | 'onChange'>
  index: RecipeIndex
  jobs: JobSystem
  hub: Pick<ProgressHub, 'broadcast'>
  scanOnStart: boolean
  logger: Logger
}

/** Opens the recipe directory of the active library, follows the settings, and runs scans as jobs. */
export interface RecipeLifecycle {
  /** null: not opened yet, a switch is under way, or no library says where recipes lie. */
  session (): RecipeSession | null
  readonly opened: boolean
  scan (options: { full: boolean, signal?: AbortSignal }): Promise<ScanOutcome>
  startScan (): Job | undefined
  open (): Promise<void>
  idle (): Promise<void>
  stop (): void
  close (): Promise<void>
}

const PAGE = { name: 'recipe', prefix: 'recipes', label: 'recipe' }

export function createRecipeLifecycle (deps: RecipeLifecycleDeps): RecipeLifecycle {
  const { settings, index, jobs, logger } = deps
  let session: RecipeSession | null = null
  let opened = false
  let closed = false
  let init: InitProgress = createInitProgress(deps.hub, PAGE)
  /** Openings and switches, one after the other. */
  let tail: Promise<void> = Promise.resolve()

  const scans = createScanJob({
    jobs,
    kind: 'scan-recipes',
    title: ({ full }) => full ? 'Read all recipes anew' : 'Scan recipes',
    mayStart: openedSession,
    async scan (input) {
      const mine = openedSession()
      const first = mine.fresh
      if (first) init.scanning()
      const outcome = await mine.scan(input)
      if (first) {
        init.finishing()
        init.complete()
      }
      return outcome
    },
    cancelled: NO_SCAN
  })
  const unsubscribe = settings.onChange(onSettings)

  function openedSession (): RecipeSession {
    if (!session) throw new ServiceNotReadyError()
    return session
  }

  function inTurn (task: () => Promise<void>): Promise<void> {
    const mine = tail.then(async () => { if (!closed) await task() })
    tail = mine.catch((error: unknown) => {
      logger.error({ err: error }, 'the recipes could not be opened')
      createInitProgress(deps.hub, PAGE).complete({ error: 'The recipes could not be opened' })
    })
    return mine
  }

  async function openActive (): Promise<void> {
    const { name, library } = settings.activeLibrary()
    const root = recipesDirectory(library)
    init = createInitProgress(deps.hub, PAGE)
    if (root !== undefined) {
      const watches = (): boolean => settings.get('watch_folders') !== false
      const mine = openRecipeSession({ ...deps, watches, onProgress: (done, total) => { init.processed(done, total) } }, name, root)
      session = mine
      opened = true
      init.restored()
      await mine.load()
      if (deps.scanOnStart && session === mine && !closed) scans.start(false)
    }
    opened = true
    if (!session?.fresh || !deps.scanOnStart) init.complete()
  }

  async function closeSession (): Promise<void> {
    const former = session
    session = null
    opened = false
    scans.cancel()
    await scans.underWay()
    init.close()
    await former?.close()
    index.clear()
  }

  function onSettings ({ keys, libraryActivated }: SettingsChange): void {
    if (closed) return
    const concerned = libraryActivated || ['folder_paths', 'libraries', 'recipes_path'].some((key) => keys.has(key))
    if (!concerned) return
    // a failure is logged where the turn ends
    inTurn(async () => {
      if (!libraryActivated && session?.root === recipesDirectory(settings.activeLibrary().library)) return
      await closeSession()
      await openActive()
    }).catch(() => undefined)
  }

  return {
    session: () => session,
    get opened () { return opened },
    async scan ({ full, signal }) {
      if (opened && !session) return { status: 'success', added: 0, updated: 0, removed: 0, moved: 0, message: 'No folder of the library says where recipes lie' }
      return await scans.run({ full, signal })
    },
    startScan: () => session ? jobs.get(scans.start(false).id) : undefined,
    open: () => inTurn(openActive),
    async idle () {
      await tail
      await scans.underWay()
    },
    stop () {
      closed = true
      unsubscribe()
    },
    async close () {
      closed = true
      unsubscribe()
      await tail
      await closeSession()
    }
  }
}
