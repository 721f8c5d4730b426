import { createSlices } from '../jobs/slices.ts'
import type { ModelLibrary } from '../models/ports.ts'
import type { ModelTypeName } from '../models/types.ts'
import { findFolder, namesIn } from './folder-files.ts'
import type { ExamplePlace } from './places.ts'
import type { ProgressFile } from './progress-file.ts'
import { checkOpened, eachOf } from './targets.ts'

export interface NeededCounts {
  total_models: number
  pending_count: number
  processed_count: number
  failed_count: number
}

/** Up to here each folder is looked into; beyond, the names in the folder of the library tell. */
const PROBED = 1000

/**
 * How many models of some types have no example images yet and were never tried. Nothing but names is read, off the loop, and the models
 * are gone through in slices.
 * @throws ServiceNotReadyError, OfflineError
 */
export async function countNeeded ({ libraries, progressFile }: { libraries: readonly ModelLibrary[], progressFile: ProgressFile }, place: ExamplePlace, types: ReadonlySet<ModelTypeName>): Promise<NeededCounts> {
  checkOpened(libraries)
  const { processed, failed } = await progressFile.read(place)
  const models = libraries.reduce((sum, { type, index }) => types.has(type.name) ? sum + index.size : sum, 0)
  const present = models > PROBED ? await foldersOf(place) : new Set<string>()
  const pending = new Set<string>()
  let total = 0
  await eachOf(libraries, types, (index) => index.hashes(), (sha256) => {
    total++
    if (sha256 !== '' && !present.has(sha256) && !processed.has(sha256) && !failed.has(sha256)) pending.add(sha256)
  })
  const count = models > PROBED ? pending.size : await countEmpty(place, pending)
  return { total_models: total, pending_count: count, processed_count: processed.size, failed_count: failed.size }
}

async function foldersOf ({ root, prefix, formerPrefixes }: ExamplePlace): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  const slice = createSlices()
  for (const folder of [prefix, ...formerPrefixes]) {
    for (const name of await namesIn(folder === '' ? root : `${root}/${folder}`) ?? []) {
      found.add(name)
      const turn = slice()
      if (turn) await turn
    }
  }
  return found
}

async function countEmpty (place: ExamplePlace, hashes: ReadonlySet<string>): Promise<number> {
  let count = 0
  for (const hash of hashes) if (((await findFolder(place, hash))?.names.length ?? 0) === 0) count++
  return count
}
