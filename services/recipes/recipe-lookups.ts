import type { IndexedModel } from '../models/entry.ts'
import { resolveFingerprint } from './fingerprint.ts'
import type { RecipeMatch } from './ports.ts'
import { fileUrl } from './present-recipe.ts'
import type { RecipeEntry } from './recipe-entry.ts'
import type { RecipeIndex } from './recipe-index.ts'
import type { Postings } from './postings.ts'
import type { ModelLookups } from './resolve-types.ts'

/** Which recipes have something in common: a LoRA, a checkpoint, all of their LoRAs. */
export interface RecipeLookups {
  withLora (hash: string): ReadonlySet<number>
  withCheckpoint (hash: string): ReadonlySet<number>
  /** Slots by fingerprint, every hash and version id in it resolved to the SHA-256 of the library where it can be. */
  byResolvedFingerprint (): ReadonlyMap<string, ReadonlySet<number>>
  matching (fingerprint: string, except?: string): RecipeEntry[]
}

interface LookupDeps {
  index: RecipeIndex
  loras: ModelLookups & { readonly version: number }
  checkpoints: ModelLookups
}

export function createRecipeLookups ({ index, loras, checkpoints }: LookupDeps): RecipeLookups {
  const resolved = createResolvedFingerprints(index, loras)

  function using (lookups: ModelLookups, hashes: Postings<string>, versions: Postings<number>, hash: string): ReadonlySet<number> {
    const wanted = hash.toLowerCase()
    const found = new Set(hashes.get(wanted))
    for (const model of lookups.byHash(wanted)) {
      for (const name of hashesOf(model)) for (const slot of hashes.get(name)) found.add(slot)
      if (model.civitai?.id !== undefined) for (const slot of versions.get(model.civitai.id)) found.add(slot)
    }
    return found
  }

  return {
    withLora: (hash) => using(loras, index.postings.loraHash, index.postings.loraVersion, hash),
    withCheckpoint: (hash) => using(checkpoints, index.postings.checkpointHash, index.postings.checkpointVersion, hash),
    byResolvedFingerprint: () => resolved.table(),
    matching (fingerprint, except) {
      if (fingerprint === '') return []
      const slots = resolved.table().get(resolved.resolve(fingerprint)) ?? []
      return Array.from(slots, (slot) => index.at(slot)).filter((entry) => entry !== undefined && entry.recipeId !== except) as RecipeEntry[]
    }
  }
}

/** All names by which files know a model. */
function hashesOf ({ sha256, autov3, other_hashes: other }: IndexedModel): string[] {
  return [sha256, sha256.slice(0, 10), autov3, other?.AutoV1, other?.CRC32, other?.BLAKE3].flatMap((hash) => hash ? [hash.toLowerCase()] : [])
}

/** Made when it is first asked for, kept in step with single changes, and made anew when models changed. */
function createResolvedFingerprints (index: RecipeIndex, loras: LookupDeps['loras']) {
  let version = -1
  let keys = new Map<string, string>()
  let table: Map<string, Set<number>> | null = null
  const keyOfSlot = new Map<number, string>()

  function resolveKey (key: string): string {
    const known = keys.get(key)
    if (known !== undefined) return known
    const isVersion = /^[1-9]\d{0,8}$/.test(key)
    const [model] = isVersion ? loras.byVersionId(Number(key)) : loras.byHash(key)
    const result = model && model.sha256 !== '' ? model.sha256 : key
    keys.set(key, result)
    return result
  }

  function put (into: Map<string, Set<number>>, slot: number, { facts }: RecipeEntry): void {
    if (facts.fingerprint === '') return
    const key = resolveFingerprint(facts.fingerprint, resolveKey)
    keyOfSlot.set(slot, key)
    const known = into.get(key)
    if (known) known.add(slot)
    else into.set(key, new Set([slot]))
  }

  index.onSlot((slot, entry) => {
    if (!table) return
    const former = keyOfSlot.get(slot)
    if (former !== undefined) table.get(former)?.delete(slot)
    keyOfSlot.delete(slot)
    if (entry) put(table, slot, entry)
  })

  return {
    resolve: (fingerprint: string) => resolveFingerprint(fingerprint, resolveKey),
    table () {
      if (table && version === loras.version) return table
      version = loras.version
      keys = new Map()
      keyOfSlot.clear()
      table = new Map()
      for (const [slot, entry] of index.entries()) put(table, slot, entry)
      return table
    }
  }
}

export function recipeMatch ({ recipeId: id, facts, image }: RecipeEntry): RecipeMatch {
  return { id, title: facts.title, file_url: fileUrl(image.path), modified: facts.modified || null, created_date: facts.created || null, lora_count: facts.hashes.length }
}
