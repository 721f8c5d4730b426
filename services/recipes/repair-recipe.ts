import type { CallOptions } from '../network/types.ts'
import { askLoraHashes } from './ask-lora-hashes.ts'
import { canonicalCheckpoint } from './checkpoint-entry.ts'
import { enrichRecipe } from './enrich-recipe.ts'
import { mergeGenParams, withGenParamAliases } from './gen-params.ts'
import type { MissingVersions } from './missing-versions.ts'
import type { RecipeDocument, RecipeLoraEntry } from './schema.ts'
import type { SourceImages } from './source-images.ts'
import { integer } from './stored-lora.ts'
import type { RecipeVersions } from './version-lookups.ts'

/** Recipes of this version, or a later one, were repaired already. */
export const REPAIR_VERSION = 4

export interface RepairDeps {
  images: Pick<SourceImages, 'pageFacts'>
  versions: RecipeVersions
  missing: Pick<MissingVersions, 'isConfirmed'>
}

/** What is to become of the recipe, whatever it is by then. */
export type RepairPlan = (document: RecipeDocument) => RecipeDocument

const transient = { recipe: ['file_url', 'created_date_formatted', 'modified_formatted'], lora: ['inLibrary', 'preview_url', 'localPath'] }

/**
 * Asks others for what a recipe lacks of checkpoint, parameters (recipes §15.1) and hashes of LoRAs (§4.4). What comes out is applied
 * to the recipe as it is by then, and only fills gaps: what is there is the user's. Null when the recipe needs no repair.
 */
export async function planRepair (document: RecipeDocument, { images, versions, missing }: RepairDeps, options: CallOptions = {}): Promise<RepairPlan | null> {
  if (integer(document.repair_version) >= REPAIR_VERSION) return null
  const cleared = withoutMistakenCheckpoint(document)
  const lookups = versions.lookups(options)
  const hashed = await askLoraHashes(cleared.loras, lookups, missing)
  const params = withGenParamAliases(cleared.gen_params)
  const complete = Boolean(cleared.checkpoint?.name) && typeof params.prompt === 'string' && params.prompt !== ''
  if (complete) return (now) => stamped(withoutMistakenCheckpoint(now), hashed)
  const image = typeof document.source_path === 'string' ? await images.pageFacts(document.source_path, options) : null
  const found = await enrichRecipe(lookups, {
    gen_params: params,
    checkpoint: cleared.checkpoint ?? null,
    base_model: document.base_model ?? '',
    image
  })
  return (now) => {
    const current = withoutMistakenCheckpoint(now)
    const { gen_params: kept, base_model: base } = current
    const checkpoint = sameCheckpoint(current, cleared) ? found.checkpoint : current.checkpoint
    return stamped({
      ...current,
      ...(base === document.base_model && { base_model: found.base_model }),
      gen_params: filled(kept, mergeGenParams({ civitai: image?.meta })),
      ...(checkpoint && { checkpoint: canonicalCheckpoint(checkpoint) })
    }, hashed)
  }
}

/** Imports of old took a LoRA for the checkpoint: then it is neither. */
function withoutMistakenCheckpoint (document: RecipeDocument): RecipeDocument {
  const id = integer(document.checkpoint?.modelVersionId ?? document.checkpoint?.id)
  const mistaken = id > 0 && document.loras.some(({ modelVersionId }) => integer(modelVersionId) === id)
  if (!mistaken) return document
  const { checkpoint, ...rest } = document
  return { ...rest, loras: document.loras.filter(({ modelVersionId }) => integer(modelVersionId) !== id) } as RecipeDocument
}

/** What is there stays, under whatever spelling. */
function filled (kept: Record<string, unknown>, told: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const known = withGenParamAliases(kept)
  return { ...kept, ...Object.fromEntries(Object.entries(told).filter(([key]) => known[key] === undefined || known[key] === null || known[key] === '')) }
}

function sameCheckpoint (one: RecipeDocument, other: RecipeDocument): boolean {
  return JSON.stringify(one.checkpoint) === JSON.stringify(other.checkpoint)
}

/** Without what only answers say, `weight` under its name of today. */
function stamped (document: RecipeDocument, hashed: (entry: RecipeLoraEntry) => RecipeLoraEntry): RecipeDocument {
  const loras = document.loras.map(({ weight, ...entry }) => {
    const kept = hashed(without(entry, transient.lora))
    return weight === undefined ? kept : { ...kept, strength: entry.strength ?? weight }
  })
  return { ...without(document, transient.recipe), loras, repair_version: REPAIR_VERSION } as RecipeDocument
}

function without<T extends object> (value: T, keys: readonly string[]): T {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key))) as T
}
