import { readText } from '../models/read-value.ts'
import { readId } from './float-text.ts'
import type { MissingVersions } from './missing-versions.ts'
import type { VersionLookups } from './resolve-types.ts'
import type { RecipeLoraEntry } from './schema.ts'
import { createVersionAsker } from './version-asker.ts'

/**
 * Asks for the hash of LoRAs that a recipe knows by their version alone (recipes §4.4). Answers what an entry is to be, whatever
 * the recipe holds by then: with its hash, or deleted where CivitAI said so on two days, else as it was.
 */
export async function askLoraHashes (loras: readonly RecipeLoraEntry[], versions: VersionLookups, missing: Pick<MissingVersions, 'isConfirmed'>): Promise<(entry: RecipeLoraEntry) => RecipeLoraEntry> {
  const asker = createVersionAsker(versions)
  const hashes = new Map<number, string>()
  const deleted = new Set<number>()
  for (const entry of loras.filter(lacksHash)) {
    const versionId = readId(entry.modelVersionId)
    const answer = await asker.ask({ versionId, hash: '' })
    if (answer?.kind === 'found') hashes.set(versionId, readText(answer.value.files?.[0]?.hashes?.SHA256).toLowerCase())
    if (answer?.kind === 'not-found' && missing.isConfirmed({ versionId, hash: '' })) deleted.add(versionId)
  }
  return (entry) => {
    const versionId = readId(entry.modelVersionId)
    if (!lacksHash(entry)) return entry
    if (deleted.has(versionId)) return { ...entry, isDeleted: true }
    const hash = hashes.get(versionId) ?? ''
    return hash === '' ? entry : { ...entry, hash }
  }
}

function lacksHash (entry: RecipeLoraEntry): boolean {
  return entry.isDeleted !== true && readText(entry.hash) === '' && readId(entry.modelVersionId) > 0
}
