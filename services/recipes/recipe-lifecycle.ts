import { DomainError, ServiceNotReadyError } from '../errors.ts'
import type { Job, JobSystem } from '../jobs/types.ts'
import type { Logger } from '../logger.ts'
import { createInitProgress, type InitProgress } from '../models/init-progress.ts'
import type { ScanOutcome } from '../models/ports.ts'
import type { ProgressHub } from '../progress/types.ts'
import { recipesDirectory } from '../settings/recipes-directory.ts'
import type { SettingsChange, SettingsManager } from '../settings/types.ts'
import type { RecipeIndex } from './recipe-index.ts'
import { openRecipeSession, type RecipeSession, type RecipeSessionDeps } from './recipe-session.ts'

export interface RecipeLifecycleDeps extends Pick<RecipeSessionDeps, 'caches' | 'journal' | 'onScanned'> {
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

interface Running { full: boolean, job: Job, outcome: Promise<ScanOutcome> }

const KIND = 'scan-recipes'
const PAGE = { name: 'recipe', prefix: 'recipes', label: 'recipe' }
const NOTHING: ScanOutcome = { status: 'cancelled', added: 0, updated: 0, removed: 0, moved: 0, message: 'The scan was cancelled' }

export function createRecipeLifecycle (deps: RecipeLifecycleDeps): RecipeLifecycle {
  const { settings, index, jobs, logger } = deps
  const outcomes = new Map<string, ScanOutcome>()
  let session: RecipeSession | null = null
  let opened = false
  let closed = false
  let scanning: Running | null = null
  let init: InitProgress = createInitProgress(deps.hub, PAGE)
  /** Openings and switches, one after the other. */
  let tail: Promise<void> = Promise.resolve()

  jobs.define<{ full: boolean }, ScanOutcome>({
    kind: KIND,
    title: ({ full }) => full ? 'Read all recipes anew' : 'Scan recipes',
    exclusiveKey: () => KIND,
    async run ({ full }, { id, signal, report }) {
      if (!session) throw new ServiceNotReadyError()
      const first = session.fresh
      if (first) init.scanning()
      const outcome = await session.scan({ full, signal, report })
      if (first) {
        init.finishing()
        init.complete()
      }
      outcomes.set(id, outcome)
      return outcome
    }
  })
  const unsubscribe = settings.onChange(onSettings)

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
      if (deps.scanOnStart && session === mine && !closed) startScan(false)
    }
    opened = true
    if (!session?.fresh || !deps.scanOnStart) init.complete()
  }

  async function closeSession (): Promise<void> {
    const former = session
    session = null
    opened = false
    if (scanning) jobs.cancel(scanning.job.id)
    await scanning?.outcome.catch(() => NOTHING)
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

  function startScan (full: boolean): Running {
    if (!session) throw new ServiceNotReadyError()
    if (scanning) return scanning
    const job = jobs.start(KIND, { full })
    const outcome = outcomeOf(job).finally(() => { scanning = null })
    // told by whoever asked; a failure is in the job
    outcome.catch(() => undefined)
    scanning = { full, job, outcome }
    return scanning
  }

  async function outcomeOf (job: Job): Promise<ScanOutcome> {
    const ended = await jobs.finished(job.id)
    const outcome = outcomes.get(job.id)
    outcomes.delete(job.id)
    if (ended.state === 'failed') throw new DomainError('failed', ended.error?.code ?? 'scan-failed', ended.error?.message ?? 'The scan failed')
    return outcome ?? NOTHING
  }

  return {
    session: () => session,
    get opened () { return opened },
    async scan ({ full, signal }) {
      if (opened && !session) return { status: 'success', added: 0, updated: 0, removed: 0, moved: 0, message: 'No folder of the library says where recipes lie' }
      // A rebuild does not settle for the quick comparison that happens to run.
      if (scanning && full && !scanning.full) await scanning.outcome.catch(() => NOTHING)
      const { job, outcome } = startScan(full)
      signal?.addEventListener('abort', () => { jobs.cancel(job.id) }, { once: true })
      return await outcome
    },
    startScan: () => session ? jobs.get(startScan(false).job.id) : undefined,
    open: () => inTurn(openActive),
    async idle () {
      await tail
      await scanning?.outcome.catch(() => NOTHING)
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
