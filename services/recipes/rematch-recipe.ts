import { weightStem } from './checkpoint-entry.ts'
import type { IndexedModel } from '../models/entry.ts'
import type { ModelLookups } from './resolve-types.ts'
import type { RecipeDocument } from './schema.ts'
import type { StemTable } from './stem-table.ts'
import { integer } from './stored-lora.ts'

export type MatchLevel = 'L1' | 'L2' | 'L3' | 'L4'
export interface MatchedEntry { type: 'lora' | 'checkpoint', entry: string, file_name: string, match_level: MatchLevel }
export interface UnresolvedEntry { type: 'lora' | 'checkpoint', entry: string }

export interface Rematch {
  /** Null when nothing matched: nothing is to be written. */
  document: RecipeDocument | null
  matched: MatchedEntry[]
  unresolved: UnresolvedEntry[]
}

export interface RematchLibrary {
  loras: Pick<ModelLookups, 'byHash' | 'byVersionId'>
  checkpoints: Pick<ModelLookups, 'byHash' | 'byVersionId'>
  loraStems: StemTable
  checkpointStems: StemTable
}

const NONE: ReadonlySet<string> = new Set()

type Entry = Record<string, unknown>
type Kind = 'lora' | 'checkpoint'
interface Search { base: string, library: RematchLibrary, learned: ReadonlySet<string> }
interface Found { model: IndexedModel, level: MatchLevel }

const kinds: Readonly<Record<Kind, ReadonlySet<string>>> = {
  lora: new Set(['lora', 'locon', 'dora']),
  checkpoint: new Set(['checkpoint', 'diffusion_model', 'diffusionmodel'])
}

/**
 * Binds entries that lost their model, or never had it, to what the library holds now: by hash, by version, by a name that only
 * one model of the same base model bears (recipes §15.2). Asks no other host. Everything else of the recipe stays. `learned` are
 * hashes that were computed for it just now.
 */
export function rematchRecipe (document: RecipeDocument, library: RematchLibrary, learned = NONE): Rematch {
  const matched: MatchedEntry[] = []
  const unresolved: UnresolvedEntry[] = []
  const base = textOf(document.base_model)

  function rebound (entry: Entry, type: Kind): Entry {
    if (!isCandidate(entry)) return entry
    const found = find(entry, type, { base, library, learned })
    if (!found) {
      unresolved.push({ type, entry: nameOf(entry) })
      return entry
    }
    matched.push({ type, entry: nameOf(entry), file_name: found.model.file_name, match_level: found.level })
    return type === 'lora' ? boundLora(entry, found.model) : boundCheckpoint(entry, found.model)
  }

  const loras = document.loras.map((entry) => rebound(entry, 'lora'))
  const checkpoint = document.checkpoint && rebound(document.checkpoint, 'checkpoint')
  return { document: matched.length === 0 ? null : { ...document, loras, ...(checkpoint && { checkpoint }) }, matched, unresolved }
}

export function isCandidate (entry: Entry): boolean {
  const lost = entry.isDeleted === true || !entry.hash || !entry.file_name
  return lost && [entry.hash, entry.modelVersionId, entry.id, entry.file_name].some(Boolean)
}

function find (entry: Entry, type: Kind, { base, library, learned }: Search): Found | null {
  const lookups = type === 'lora' ? library.loras : library.checkpoints
  const hash = textOf(entry.hash)
  const byHash = hash === '' ? undefined : lookups.byHash(hash)[0]
  if (byHash && !learned.has(hash.toLowerCase())) return fits(byHash, type) ? { model: byHash, level: 'L1' } : null
  const version = integer(entry.modelVersionId) || integer(entry.id)
  const byVersion = version === 0 ? undefined : lookups.byVersionId(version)[0]
  if (byVersion) return fits(byVersion, type) ? { model: byVersion, level: 'L2' } : null
  if (byHash) return fits(byHash, type) ? { model: byHash, level: 'L3' } : null
  return byName(entry, type, base, library)
}

/** A name alone counts only with the base model known on both sides and equal, and when nothing else bears it. */
function byName (entry: Entry, type: Kind, recipeBase: string, library: RematchLibrary): Found | null {
  const stem = weightStem(textOf(entry.file_name))
  const base = (textOf(entry.baseModel) || recipeBase).toLowerCase()
  if (stem === '' || base === '' || base === 'unknown') return null
  const stems = type === 'lora' ? library.loraStems : library.checkpointStems
  const candidates = stems.find(stem).filter((model) => model.sha256 !== '' && model.base_model.toLowerCase() === base)
  const [model] = candidates
  if (!model || candidates.length > 1 || !fits(model, type)) return null
  return type === 'checkpoint' && !model.sub_type && !model.civitai?.model?.type ? null : { model, level: 'L4' }
}

/** A model whose kind nothing tells is taken for what its folder is for. */
function fits ({ sub_type: subType, civitai }: IndexedModel, type: Kind): boolean {
  const told = [subType, civitai?.model?.type].filter((kind) => kind !== undefined && kind !== '')
  return told.length === 0 || told.some((kind) => kinds[type].has(kind?.toLowerCase() ?? ''))
}

function boundLora (entry: Entry, model: IndexedModel): Entry {
  const { id, name } = model.civitai ?? {}
  return {
    ...entry,
    isDeleted: false,
    ...(model.sha256 !== '' && { hash: model.sha256.toLowerCase() }),
    ...(model.file_name !== '' && { file_name: model.file_name }),
    ...(id !== undefined && { modelVersionId: id }),
    ...(id !== undefined && model.model_name !== '' && { modelName: model.model_name }),
    ...(name !== undefined && { modelVersionName: name })
  }
}

/** Only keys that the entry has, so that whichever of the namings it uses stays the one. */
function boundCheckpoint (entry: Entry, model: IndexedModel): Entry {
  const { id, name } = model.civitai ?? {}
  const known: Entry = { name: model.model_name, modelName: model.model_name, version: name, modelVersionName: name, baseModel: model.base_model }
  const renewed = Object.entries(known).filter(([key, value]) => Object.hasOwn(entry, key) && value !== undefined && value !== '')
  const idKeys = ['modelVersionId', 'id'].filter((key) => Object.hasOwn(entry, key))
  const ids = id === undefined ? [] : (idKeys.length > 0 ? idKeys : ['modelVersionId']).map((key): [string, unknown] => [key, id])
  return {
    ...entry,
    isDeleted: false,
    ...(model.sha256 !== '' && { hash: model.sha256.toLowerCase() }),
    ...(model.file_name !== '' && { file_name: model.file_name }),
    ...Object.fromEntries([...renewed, ...ids])
  }
}

function nameOf ({ modelName, name, file_name: fileName, hash, modelVersionId }: Entry): string {
  const told = [modelName, name, fileName, hash, modelVersionId].find((value) => Boolean(value))
  return typeof told === 'string' || typeof told === 'number' ? String(told) : ''
}

const textOf = (value: unknown): string => typeof value === 'string' ? value.trim() : ''
