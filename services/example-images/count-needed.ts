import type { ModelLibrary } from '../models/ports.ts'
import type { ModelTypeName } from '../models/types.ts'
import { findFolder } from './folder-files.ts'
import { isModelHash } from './model-hash.ts'
import { createNeededThread } from './needed-thread.ts'
import type { ExamplePlace } from './places.ts'
import type { ProgressFile } from './progress-file.ts'
import { eachOf } from './targets.ts'

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
const PIECE = 4096
/** Of a SHA-256. */
const DIGITS = 64

/**
 * How many models of some types have no example images yet and were never tried. In a large library only the hashes are gathered
 * here, in slices; the names of as many folders and the notes of earlier runs are read and compared in a thread, one at a time.
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
    const { total, pieces } = await gatherHashes(libraries, types)
    if (total <= PROBED) return { total_models: total, ...await countFew(place, new Set(pieces.flat().filter(isModelHash))) }
    const turn = last.then(async () => await countInThread({ place, hashes: pieces.map((piece) => piece.join('')) }))
    last = turn.catch(() => undefined)
    return { total_models: total, ...await turn }
  }
}

async function gatherHashes (libraries: readonly ModelLibrary[], types: ReadonlySet<ModelTypeName>): Promise<{ total: number, pieces: string[][] }> {
  const pieces: string[][] = [[]]
  let total = 0
  await eachOf(libraries, types, (index) => index.hashes(), (sha256) => {
    total++
    // Digits are looked at all at once later.
    if (sha256.length !== DIGITS) return
    const piece = pieces.at(-1)
    if (piece && piece.length < PIECE) piece.push(sha256)
    else pieces.push([sha256])
  })
  return { total, pieces }
}
