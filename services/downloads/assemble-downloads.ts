import { join } from 'node:path'
import type { Core } from '../core.ts'
import type { HashPool } from '../hashing/pool.ts'
import type { Logger } from '../logger.ts'
import { systemClock } from '../progress/clock.ts'
import { createClientQueue } from './client-queue.ts'
import { createDownloadStore } from './download-store.ts'
import { createDownloads } from './downloads.ts'
import { freeSpaceOf, type FreeSpace } from './free-space.ts'
import { createPartFiles } from './part-files.ts'
import { createPartStore } from './part-store.ts'
import { createPartsInUse } from './parts-in-use.ts'
import type { PlanDeps } from './plan-deps.ts'
import type { Downloads } from './ports.ts'
import { prepareQueue } from './prepare-queue.ts'
import { runDownload, type RunDeps } from './run-download.ts'
import { openSharedDatabase } from '../database/shared.ts'
import { createTransferSlots } from './transfer-slots.ts'
import { createTransfer, discardPart } from './transfer.ts'
import { defineVerification } from './verification.ts'
import { createVersionHistory, prepareVersions } from './version-history.ts'

export interface DownloadsParts {
  core: Pick<Core, 'settings' | 'models' | 'hub' | 'jobs' | 'journal' | 'door' | 'providers' | 'state'>
  hashPool: Pick<HashPool, 'hash'>
  logger: Logger
  freeSpace?: FreeSpace
}

const TRANSFERS_PER_PROVIDER = 5
const DEFAULT_STALL_S = 120

/** Puts together what `core.downloads` is. */
export function assembleDownloads ({ core, hashPool, logger, freeSpace = freeSpaceOf }: DownloadsParts): Downloads {
  const { settings, hub, jobs, journal, door, providers, state } = core
  const warn = (message: string, error: unknown): void => { logger.warn({ err: error }, message) }
  const folder = join(settings.directory, 'cache', 'download_history')
  const parts = createPartStore(state)
  const files = createPartFiles()
  const libraries = Object.values(core.models)
  const history = createVersionHistory({ clock: systemClock, open: () => openSharedDatabase(join(folder, 'downloaded_versions.sqlite'), prepareVersions, logger) })
  const queue = createClientQueue({
    clock: systemClock,
    open: () => openSharedDatabase(join(folder, 'download_queue.sqlite'), (db) => { prepareQueue(db, (id) => parts.ofDownload(id).length > 0) }, logger)
  })
  const plan: PlanDeps = {
    libraries,
    settings,
    chain: providers.chain,
    huggingFace: providers.huggingFace,
    history,
    normaliseAddress: (address) => providers.downloadAddress(address),
    now: () => Date.now()
  }
  const run: RunDeps = {
    ...plan,
    journal,
    hub,
    door,
    warn,
    parts,
    files,
    freeSpace,
    partsInUse: createPartsInUse(parts),
    authorized: () => providers.civitai.authorized(),
    transfer: createTransfer({ door, parts, files, hashPool, freeSpace, stallMs: () => stallSeconds(settings.get('download_stall_timeout_seconds')) * 1000 })
  }
  defineVerification({ jobs, libraries, hashPool })
  const downloads = createDownloads({
    store: createDownloadStore(state),
    history,
    queue,
    jobs,
    hub,
    slots: createTransferSlots(TRANSFERS_PER_PROVIDER),
    libraries,
    libraryName: () => settings.activeLibrary().name,
    run: async (request, context) => await runDownload(run, request, context),
    async discard (id) {
      for (const { part } of parts.ofDownload(id)) await discardPart(parts, part)
    },
    warn
  })
  return {
    ...downloads,
    async close () {
      await downloads.close()
      await files.close()
    }
  }
}

function stallSeconds (setting: unknown): number {
  return typeof setting === 'number' && setting > 0 ? setting : DEFAULT_STALL_S
}
