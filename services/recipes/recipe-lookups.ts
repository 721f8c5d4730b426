import type { IndexedModel } from '../models/entry.ts'
import { createSlices } from '../jobs/slices.ts'
import { isWhole, resolveFingerprint } from './fingerprint.ts'
import type { RecipeMatch } from './ports.ts'
import { fileUrl } from './present-recipe.ts'
import type { RecipeIndex } from './recipe-index.ts'
import { factsOf, type StoredRecipe } from './recipe-store.ts'
import { createPostings, type Postings } from './postings.ts'
import type { ModelLookups } from './resolve-types.ts'

/** Which recipes have something in common: a LoRA, a checkpoint, all of their LoRAs. */
export interface RecipeLookups {
  withLora (hash: string): ReadonlySet<number>
  withCheckpoint (hash: string): ReadonlySet<number>
  /** Slots by fingerprint, every hash and version id in it resolved to the SHA-256 of the library where it can be. */
  byResolvedFingerprint (): Pick<Postings<string>, 'shared'>
  matching (fingerprint: string, except?: string): StoredRecipe[]
  /** Does in slices what the first look at fingerprints would do at once. */
  prepare (): Promise<void>
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
    prepare: () => resolved.prepare(),
    matching (fingerprint, except) {
      if (fingerprint === '') return []
      const slots = resolved.table().get(resolved.resolve(fingerprint))
      return Array.from(slots, (slot) => index.at(slot)).filter((entry) => entry !== undefined && entry.recipeId !== except) as StoredRecipe[]
    }
  }
}

/** All names by which files know a model. */
function hashesOf ({ sha256, autov3, other_hashes: other }: IndexedModel): string[] {
  return [sha256, sha256.slice(0, 10), autov3, other?.AutoV1, other?.CRC32, other?.BLAKE3].flatMap((hash) => hash ? [hash.toLowerCase()] : [])
}

/** Made when it is prepared or first asked for, and kept in step with single changes; when models changed, only what named a LoRA in short is looked at again. */
function createResolvedFingerprints (index: RecipeIndex, loras: LookupDeps['loras']) {
  let version = -1
  let keys = new Map<string, string>()
  let table: Postings<string> | null = null
  /** The one that is being filled; what changes meanwhile goes into it at once. */
  let coming: Postings<string> | null = null
  /** Of recipes whose fingerprint says less than whole hashes: what the library made of it. */
  const shortOnes = new Map<number, string>()

  function resolveKey (key: string): string {
    const known = keys.get(key)
    if (known !== undefined) return known
    const isVersion = /^[1-9]\d{0,8}$/.test(key)
    const [model] = isVersion ? loras.byVersionId(Number(key)) : loras.byHash(key)
    const result = model && model.sha256 !== '' ? model.sha256 : key
    keys.set(key, result)
    return result
  }

  const resolve = (fingerprint: string): string => isWhole(fingerprint) ? fingerprint : resolveFingerprint(fingerprint, resolveKey)

  function put (into: Postings<string>, slot: number, entry: StoredRecipe): void {
    const { fingerprint } = factsOf(entry)
    if (fingerprint === '') return
    const key = resolve(fingerprint)
    if (!isWhole(fingerprint)) shortOnes.set(slot, key)
    into.add(key, slot)
  }

  function drop (from: Postings<string>, slot: number, entry: StoredRecipe): void {
    from.remove(shortOnes.get(slot) ?? factsOf(entry).fingerprint, slot)
    shortOnes.delete(slot)
  }

  index.onSlot((slot, entry, former) => {
    const into = table ?? coming
    if (into && former) drop(into, slot, former)
    if (into && entry) put(into, slot, entry)
  })

  function make (): Postings<string> {
    coming = null
    const made = createPostings<string>()
    for (const [slot, entry] of index.entries()) put(made, slot, entry)
    return made
  }

  function renewShortOnes (of: Postings<string>): void {
    for (const slot of [...shortOnes.keys()]) {
      const entry = index.at(slot)
      if (!entry) continue
      drop(of, slot, entry)
      put(of, slot, entry)
    }
  }

  async function prepare (): Promise<void> {
    if (table || coming) return
    const mine = createPostings<string>()
    coming = mine
    if (version !== loras.version) keys = new Map()
    version = loras.version
    const slices = createSlices()
    for (const [slot, entry] of index.entries()) {
      put(mine, slot, entry)
      await slices()
      if (coming !== mine) return
    }
    table = mine
    coming = null
  }

  return {
    resolve,
    prepare,
    table () {
      if (version !== loras.version) keys = new Map()
      if (table && version !== loras.version) renewShortOnes(table)
      version = loras.version
      table ??= make()
      return table
    }
  }
}

export function recipeMatch (entry: StoredRecipe): RecipeMatch {
  const { recipeId: id, image, modified, created, loraCount } = entry
  return { id, title: factsOf(entry).title, file_url: fileUrl(image.path), modified: modified || null, created_date: created || null, lora_count: loraCount }
}
