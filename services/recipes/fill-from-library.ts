import { readText } from '../models/read-value.ts'
import { readId } from './float-text.ts'
import type { ModelLookups } from './resolve-types.ts'
import type { RecipeDocument, RecipeLoraEntry } from './schema.ts'

type Lookups = Pick<ModelLookups, 'byHash' | 'byVersionId'>

/**
 * Writes into a recipe what the library knows for certain of its LoRAs: the hash where there is only a version, the name of the
 * file where there is only a hash (recipes §4.4). Nothing else of an entry changes, and no other host is asked. Null: nothing to add.
 */
export function fillFromLibrary (document: RecipeDocument, loras: Lookups): RecipeDocument | null {
  const filled = document.loras.map((entry) => filledEntry(entry, loras))
  return filled.some((entry, at) => entry !== document.loras[at]) ? { ...document, loras: filled } : null
}

function filledEntry (entry: RecipeLoraEntry, loras: Lookups): RecipeLoraEntry {
  if (entry.isDeleted === true) return entry
  const given = readText(entry.hash)
  const version = given === '' ? readId(entry.modelVersionId) : 0
  const [model] = given === '' ? (version === 0 ? [] : loras.byVersionId(version)) : loras.byHash(given)
  if (!model || model.sha256 === '') return entry
  const lacksName = readText(entry.file_name) === ''
  if (given !== '' && !lacksName) return entry
  return { ...entry, ...(given === '' && { hash: model.sha256.toLowerCase() }), ...(lacksName && { file_name: model.file_name }) }
}
