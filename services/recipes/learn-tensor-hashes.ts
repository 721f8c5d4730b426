import type { IndexedModel } from '../models/entry.ts'
import { weightStem } from './checkpoint-entry.ts'
import { isCandidate, type RematchLibrary } from './rematch-recipe.ts'
import type { RecipeDocument } from './schema.ts'
import type { StemTable } from './stem-table.ts'

export interface LearnDeps {
  library: RematchLibrary
  /** AutoV3 of a LoRA's file, computed where it is not known yet. */
  tensorHash (path: string): Promise<string>
  warn: (message: string, error: unknown) => void
}

const AUTOV3 = /^[0-9a-f]{12}$/

/**
 * Recipes made of an image often know a LoRA by its AutoV3 alone, which the library may never have computed. Only files that bear
 * the name of an entry are read for it: reading all would take hours. Answers the hashes that are known since.
 */
export const learnTensorHashes = ({ library, tensorHash, warn }: LearnDeps) => async (document: RecipeDocument): Promise<ReadonlySet<string>> => {
  const learned = new Set<string>()
  for (const entry of document.loras) {
    const hash = typeof entry.hash === 'string' ? entry.hash.trim().toLowerCase() : ''
    if (!isCandidate(entry) || !AUTOV3.test(hash) || library.loras.byHash(hash).length > 0) continue
    for (const model of unknownOf(library.loraStems, [entry.file_name, entry.name, entry.modelName])) {
      try {
        learned.add(await tensorHash(model.file_path))
      } catch (error) {
        // its disk may be away: as unknown as before
        warn('a LoRA could not be hashed for a recipe', error)
      }
    }
  }
  return learned
}

function unknownOf (stems: StemTable, names: readonly unknown[]): IndexedModel[] {
  const wanted = new Set(names.flatMap((name) => typeof name === 'string' && name !== '' ? [weightStem(name).toLowerCase()] : []))
  return [...wanted].flatMap((stem) => stems.find(stem)).filter(({ autov3, file_path: path }) => !autov3 && path.toLowerCase().endsWith('.safetensors'))
}
