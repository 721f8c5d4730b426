import { dirname } from 'node:path'
import { NotFoundError, ServiceNotReadyError } from '../errors.ts'
import type { Root, RootStatus } from '../files/types.ts'
import { createSlices } from '../jobs/slices.ts'
import type { JobSystem } from '../jobs/types.ts'
import type { SettingsChange, SettingsManager } from '../settings/types.ts'
import { openLibrarySession } from './library-session.ts'
import { containPath, readConfiguredRoots } from './configured-roots.ts'
import { createInitProgress } from './init-progress.ts'
import { createLibraryJobs } from './library-jobs.ts'
import type { ModelLibrary } from './ports.ts'
import { parseSidecar } from './sidecar-file.ts'
import type { LibrarySession, SessionDeps } from './session-types.ts'

export interface ModelLibraryDeps extends Omit<SessionDeps, 'settings' | 'wantHashing'> {
  settings: Pick<SettingsManager, 'get' | 'activeLibrary' | 'onChange'>
  jobs: JobSystem
  /** False in tests that drive scans by hand. */
  scanOnStart: boolean
}

/** A library with its life cycle, for whoever composes the core. */
export interface OpenableModelLibrary extends ModelLibrary {
  /**
   * Opens the active library; resolves when its rows are in the index, while the disk is compared in the background.
   * What no first list needs begins after `others`.
   */
  open (others?: Promise<unknown>): Promise<void>
  /** Resolves when the comparison with the disk that follows an opening has ended, however it ended. */
  compared (): Promise<void>
  /** Resolves when no scan, hashing or writing is under way. */
  idle (): Promise<void>
  /** Begins nothing any more, and leaves off loading rows. What runs may end; `close` waits for it. */
  stop (): void
  close (): Promise<void>
}

export function createModelLibrary (deps: ModelLibraryDeps): OpenableModelLibrary {
  const { type, index, settings, logger } = deps
  let session: LibrarySession | null = null
  /** Switches of library that were asked for and are not done. */
  let switches = 0
  let closed = false
  /** Openings, switches and changes of roots, one after the other. */
  let tail: Promise<void> = Promise.resolve()
  /** What follows the load of the present session. */
  let beginning: Promise<void> = Promise.resolve()

  const work = createLibraryJobs({ type, jobs: deps.jobs, opened, ready: () => closed ? null : ready() })
  const unsubscribe = settings.onChange(onSettings)

  const ready = (): LibrarySession | null => switches === 0 ? session : null

  function opened (): LibrarySession {
    const session = ready()
    if (!session) throw new ServiceNotReadyError()
    return session
  }

  function inTurn (task: () => Promise<void>): Promise<void> {
    const mine = tail.then(async () => { if (!closed) await task() })
    tail = mine.catch((error: unknown) => {
      if (closed) return logger.debug({ err: error, type: type.name }, 'the library was closed before it was opened')
      logger.error({ err: error, type: type.name }, 'the library could not be opened')
      createInitProgress(deps.hub, type).complete({ error: 'The library could not be opened' })
    })
    return mine
  }

  async function readRoots (): Promise<Root[]> {
    const { roots, warnings } = await readConfiguredRoots(settings, type)
    for (const warning of warnings) logger.warn({ type: type.name }, warning)
    return roots
  }

  async function openActive ({ onOpened, others }: { onOpened?: () => void, others?: Promise<unknown> | undefined } = {}): Promise<void> {
    const { name } = settings.activeLibrary()
    const roots = await readRoots()
    if (closed) return
    const mine = openLibrarySession({ ...deps, wantHashing: () => { work.startHashing() } }, name, roots)
    session = mine
    onOpened?.()
    await mine.load(deps.scanOnStart)
    beginning = begin(mine, others)
    if (others === undefined) await beginning
    else background(beginning)
  }

  async function begin (mine: LibrarySession, others: Promise<unknown> | undefined): Promise<void> {
    await others
    const isCurrent = (): boolean => ready() === mine && !closed
    if (!isCurrent()) return
    // Orders of nothing, once made, would be kept up to date through the whole of a first scan.
    if (!mine.initializing) await mine.prepare()
    if (deps.scanOnStart && isCurrent()) work.startScan(false)
  }

  /** Stops what runs before anything of another library is opened, so that nothing old gets into the new cache. */
  async function closeSession (): Promise<void> {
    const former = session
    session = null
    work.cancel()
    await former?.close()
    index.clear()
  }

  function onSettings ({ keys, libraryActivated }: SettingsChange): void {
    if (closed) return
    if (libraryActivated) {
      background(switchLibrary())
    } else if (['folder_paths', 'extra_folder_paths', 'libraries'].some((key) => keys.has(key))) {
      background(inTurn(changeRoots))
    } else if (ready() && ['scan_dot_folders', 'watch_folders', 'write_sidecars'].some((key) => keys.has(key))) {
      work.startScan(false)
    }
  }

  async function switchLibrary (): Promise<void> {
    let counted = true
    const settled = (): void => {
      if (counted) switches--
      counted = false
    }
    switches++
    await inTurn(async () => {
      await closeSession()
      await openActive({ onOpened: settled })
    }).finally(settled)
  }

  async function changeRoots (): Promise<void> {
    const mine = session
    const roots = await readRoots()
    if (!mine || session !== mine || closed) return
    const before = JSON.stringify(mine.board.roots())
    if (JSON.stringify(roots) === before) return
    work.cancel()
    await work.scanEnded()
    await mine.idle()
    if (closed) return
    mine.setRoots(roots)
    work.startScan(false)
  }

  /** Failures are logged where the turn ends. */
  function background (work: Promise<unknown>): void {
    work.catch(() => undefined)
  }

  const contain = (path: string): ReturnType<ModelLibrary['contain']> => containPath(opened().board.roots(), path)

  /** Any number of requests may name files that are not there: none of them may hold up the others. */
  async function lookForPreview (previewPath: string): Promise<void> {
    const mine = ready()
    const next = createSlices()
    const folders = new Set<string>()
    for (const { preview_url: preview, file_path: path } of index.entries()) {
      if (preview === previewPath) folders.add(dirname(path))
      const pause = next()
      if (pause) await pause
    }
    if (folders.size > 0) mine?.look([...folders])
  }

  function stop (): void {
    closed = true
    unsubscribe()
    session?.stopLoading()
  }

  async function idle (): Promise<void> {
    await tail
    await beginning
    const running = work.underWay()
    await running
    await session?.idle()
    if (running ?? work.underWay()) await idle()
  }

  return {
    type,
    index,
    get opened () { return ready() !== null },
    get initializing () { return session?.initializing ?? false },
    roots: () => [...session?.board.roots() ?? []],
    rootStatus: (): RootStatus[] => session?.board.status((id) => index.countIn(id)) ?? [],
    isAway: (rootId) => session?.board.offline().has(rootId) ?? false,
    reconcile: work.reconcile,
    startScan: () => ready() ? deps.jobs.get(work.startScan(false).id) : undefined,
    cancel: work.cancel,
    sidecar (filePath) {
      const bytes = session?.store.sidecar(type.name, filePath)
      const parsed = bytes && parseSidecar(bytes)
      return parsed && 'document' in parsed ? parsed.document : undefined
    },
    contain,
    refresh: async (filePath) => await opened().files.refresh(contain(filePath).path),
    exclusively: async (paths, work) => await deps.paths.runAll([...new Set(paths)], work),
    // After a switch of library its own first scan finds what was done.
    settle: async (done) => await ready()?.settle(done) ?? [],
    missPreview (previewPath) {
      lookForPreview(previewPath).catch((error: unknown) => { logger.error({ err: error, type: type.name }, 'a missing preview could not be looked for') })
    },
    hashPending (paths = []) {
      const mine = ready()
      if (!mine) return undefined
      for (const path of paths) mine.wanted.add(contain(path).path)
      return work.startHashing()
    },
    hashFile: async (filePath, signal) => await opened().hashFile(contain(filePath).path, signal),
    tensorHash: async (filePath, signal) => await opened().tensorHash(contain(filePath).path, signal),
    async acceptRoot (rootId) {
      const mine = opened()
      if (!mine.board.roots().some((root) => root.id === rootId)) throw new NotFoundError('There is no such folder', 'root-not-found')
      mine.accept(rootId)
      await work.scanEnded()
      await work.reconcile()
    },
    async compared () {
      // Whoever began it hears of a failure.
      await beginning.catch(() => undefined)
      await work.scanEnded()
    },
    open: (others) => inTurn(async () => { await openActive({ others }) }),
    idle,
    stop,
    async close () {
      stop()
      await tail
      await closeSession()
    }
  }
}
