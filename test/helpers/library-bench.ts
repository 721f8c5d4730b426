import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createStateDatabase } from '../../services/database/state.ts'
import { createPathQueue } from '../../services/files/path-queue.ts'
import { createHashPool, type HashPool } from '../../services/hashing/pool.ts'
import { createJobSystem } from '../../services/jobs/system.ts'
import type { JobSystem } from '../../services/jobs/types.ts'
import { createCacheShelf } from '../../services/models/cache-shelf.ts'
import { createModelIndex } from '../../services/models/index/model-index.ts'
import { createModelLibrary, type ModelLibraryDeps, type OpenableModelLibrary } from '../../services/models/library.ts'
import { modelTypes, type ModelTypeName } from '../../services/models/types.ts'
import type { FrameSink, ProgressHub } from '../../services/progress/types.ts'
import { createProgressHub } from '../../services/progress/hub.ts'
import { createSettingsManager } from '../../services/settings/manager.ts'
import type { SettingsManager } from '../../services/settings/types.ts'
import { silent } from './scan-bench.ts'

/** One start of the services around a library, on a settings directory that outlives it. */
export interface LibraryRun {
  library: OpenableModelLibrary
  settings: SettingsManager
  jobs: JobSystem
  hub: ProgressHub
  /** Paths that were hashed, in order. */
  hashed: string[]
  frames: Record<'fetch' | 'init', Record<string, unknown>[]>
  events: Record<string, unknown>[]
  stop (): Promise<void>
}

export interface LibraryBench {
  directory: string
  settingsDirectory: string
  roots: string
  start (options?: Partial<ModelLibraryDeps> & { type?: never, modelType?: ModelTypeName }): Promise<LibraryRun>
  close (): Promise<void>
}

/** A settings directory with one library whose LoRA root is `<directory>/loras`, and services to start on it. */
export function libraryBench (settings: Record<string, unknown> = {}): LibraryBench {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'library-')))
  const settingsDirectory = join(directory, 'settings')
  const roots = join(directory, 'loras')
  mkdirSync(roots, { recursive: true })
  mkdirSync(settingsDirectory, { recursive: true })
  writeFileSync(join(settingsDirectory, 'settings.json'), JSON.stringify({ watch_folders: false, folder_paths: { loras: [roots], checkpoints: [join(directory, 'checkpoints')] }, ...settings }))
  const runs = new Set<LibraryRun>()

  async function start ({ modelType = 'lora', ...change }: Partial<ModelLibraryDeps> & { modelType?: ModelTypeName } = {}): Promise<LibraryRun> {
    const type = modelTypes.find((row) => row.name === modelType)
    if (!type) throw new Error('no such type')
    const state = createStateDatabase(settingsDirectory, silent)
    const hub = createProgressHub()
    const manager = createSettingsManager({ directory: settingsDirectory, logger: silent })
    const jobs = createJobSystem({ state, hub, logger: silent })
    const caches = createCacheShelf({ settingsDirectory, persistent: true, logger: silent })
    const pool = createHashPool({ lanes: 1 })
    const hashed: string[] = []
    const counting: Pick<HashPool, 'hash'> = {
      async hash (path, options) {
        const result = await pool.hash(path, options)
        hashed.push(path)
        return result
      }
    }
    const frames: LibraryRun['frames'] = { fetch: [], init: [] }
    const events: Record<string, unknown>[] = []
    const into = (list: Record<string, unknown>[]): FrameSink => ({ bufferedAmount: 0, send: (text) => { list.push(JSON.parse(text) as Record<string, unknown>) } })
    hub.attach('fetch', into(frames.fetch))
    hub.attach('init', into(frames.init))
    hub.subscribe(into(events))
    const index = createModelIndex({ type, preferences: () => ({ nameDisplay: 'model_name', sfwOnly: false, versionGrouping: 'any' }), usage: { version: 0, count: () => 0 }, updates: { version: 0, available: () => false } })
    const library = createModelLibrary({ type, settings: manager, state, caches, hub, jobs, hashPool: counting, hashLanes: 1, index, paths: createPathQueue(), logger: silent, clock: { now: () => Date.now() }, hangMs: 30_000, scanOnStart: true, ...change })
    const run: LibraryRun = {
      library,
      settings: manager,
      jobs,
      hub,
      hashed,
      frames,
      events,
      async stop () {
        if (!runs.delete(run)) return
        await library.close()
        await jobs.close()
        await pool.close()
        await manager.close()
        caches.close()
        hub.close()
        state.close()
      }
    }
    runs.add(run)
    await library.open()
    return run
  }

  return {
    directory,
    settingsDirectory,
    roots,
    start,
    async close () {
      for (const run of [...runs]) await run.stop()
      rmSync(directory, { recursive: true, force: true })
    }
  }
}
