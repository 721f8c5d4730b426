import type { ModelLibrary } from '../models/ports.ts'
import type { ModelTypeName } from '../models/types.ts'
import { digestsOf, digestTexts } from './digests.ts'
import { findFolder } from './folder-files.ts'
import { createNeededThread } from './needed-thread.ts'
import type { ExamplePlace } from './places.ts'
import type { ProgressFile } from './progress-file.ts'
import { checkOpened } from './targets.ts'

export interface PendingCounts {
  pending_count: number
  processed_count: number
  failed_count: number
}

export interface NeededCounts extends PendingCounts { total_models: number }

/** @throws ServiceNotReadyError, OfflineError */
export type CountNeeded = (place: ExamplePlace, types: ReadonlySet<ModelTypeName>) => Promise<NeededCounts>

/** Up to here each folder is looked into; beyond, the names in the folder of the library tell. */
const PROBED = 1000

/**
 * How many models of some types have no example images yet and were never tried. In a large library the names of as many folders
 * and the notes of earlier runs are read and compared with the hashes in a thread, one question at a time.
 */
export function createCountNeeded ({ libraries, progressFile }: { libraries: readonly ModelLibrary[], progressFile: ProgressFile }): CountNeeded {
  const countInThread = createNeededThread()
  let last: Promise<unknown> = Promise.resolve()

  async function countFew (place: ExamplePlace, hashes: ReadonlySet<string>): Promise<PendingCounts> {
    const { processed, failed } = await progressFile.read(place)
    let pending = 0
    for (const hash of hashes) {
      if (!processed.has(hash) && !failed.has(hash) && ((await findFolder(place, hash))?.names.length ?? 0) === 0) pending++
    }
    return { pending_count: pending, processed_count: processed.size, failed_count: failed.size }
  }

  return async (place, types) => {
    checkOpened(libraries)
    const asked = libraries.filter(({ type }) => types.has(type.name))
    const total = asked.reduce((sum, { index }) => sum + index.size, 0)
    if (total <= PROBED) return { total_models: total, ...await countFew(place, digestTexts(await digestsOf(asked))) }
    const turn = last.then(async () => await countInThread({ place, digests: await digestsOf(asked) }))
    last = turn.catch(() => undefined)
    return { total_models: total, ...await turn }
  }
}
