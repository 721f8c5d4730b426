import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { createStateDatabase } from '../../services/database/state.ts'
import { createPathQueue } from '../../services/files/path-queue.ts'
import { createJobSystem } from '../../services/jobs/system.ts'
import { createCacheShelf } from '../../services/models/cache-shelf.ts'
import { createModelIndex } from '../../services/models/index/model-index.ts'
import { createModelLibrary } from '../../services/models/library.ts'
import { modelTypeByName } from '../../services/models/types.ts'
import { createProgressHub } from '../../services/progress/hub.ts'
import { createSettingsManager } from '../../services/settings/manager.ts'
import { silent } from './scan-bench.ts'

/** Opens the library of a settings directory and works on it until it is killed. Each hash is told when it is computed. */
const settingsDirectory = process.argv[2] ?? ''
const state = createStateDatabase(settingsDirectory, silent)
const hub = createProgressHub()
const settings = createSettingsManager({ directory: settingsDirectory, logger: silent })
const type = modelTypeByName('lora')
const library = createModelLibrary({
  type,
  settings,
  state,
  hub,
  caches: createCacheShelf({ settingsDirectory, persistent: true, logger: silent }),
  jobs: createJobSystem({ state, hub, logger: silent }),
  hashPool: {
    async hash (path) {
      const bytes = readFileSync(path)
      const { size, mtimeMs } = statSync(path)
      await new Promise((resolve) => setTimeout(resolve, 2))
      return { sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length, tensorHash: null, size, mtimeMs }
    }
  },
  hashLanes: 1,
  index: createModelIndex({ type, preferences: () => ({ nameDisplay: 'model_name', sfwOnly: false, versionGrouping: 'any' }), usage: { version: 0, count: () => 0 }, updates: { version: 0, available: () => false } }),
  paths: createPathQueue(),
  logger: silent,
  clock: { now: () => Date.now() },
  hangMs: 30_000,
  scanOnStart: true
})
await library.open()
await library.idle()
process.stdout.write('idle\n')
setInterval(() => undefined, 1000)
