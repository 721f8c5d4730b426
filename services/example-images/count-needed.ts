import type { ModelLibrary } from '../models/ports.ts'
import type { ModelTypeName } from '../models/types.ts'
import { findFolder, namesIn } from './folder-files.ts'
import type { ExamplePlace } from './places.ts'
import type { ProgressFile } from './progress-file.ts'
import { eachModel } from './targets.ts'

export interface NeededCounts {
  total_models: number
  pending_count: number
  processed_count: number
  failed_count: number
}

/** Up to here each folder is looked into; beyond, the names in the folder of the library tell. */
const PROBED = 1000

/** How many models of some types have no example images yet and were never tried. @throws ServiceNotReadyError, OfflineError */
export async function countNeeded ({ libraries, progressFile }: { libraries: readonly ModelLibrary[], progressFile: ProgressFile }, place: ExamplePlace, types: ReadonlySet<ModelTypeName>): Promise<NeededCounts> {
  const { processed, failed } = await progressFile.read(place)
  const candidates = new Set<string>()
  let total = 0
  await eachModel(libraries, types, ({ sha256 }) => {
    total++
    if (sha256 !== '' && !processed.has(sha256) && !failed.has(sha256)) candidates.add(sha256)
  })
  const pending = candidates.size > PROBED ? await countAbsent(place, candidates) : await countEmpty(place, candidates)
  return { total_models: total, pending_count: pending, processed_count: processed.size, failed_count: failed.size }
}

async function countEmpty (place: ExamplePlace, hashes: ReadonlySet<string>): Promise<number> {
  let count = 0
  for (const hash of hashes) if (((await findFolder(place, hash))?.names.length ?? 0) === 0) count++
  return count
}

async function countAbsent ({ root, prefix, formerPrefixes }: ExamplePlace, hashes: ReadonlySet<string>): Promise<number> {
  const present = new Set<string>()
  for (const folder of [prefix, ...formerPrefixes]) for (const name of await namesIn(folder === '' ? root : `${root}/${folder}`) ?? []) present.add(name)
  let count = 0
  for (const hash of hashes) if (!present.has(hash)) count++
  return count
}
