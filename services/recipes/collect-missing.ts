import { setImmediate as turn } from 'node:timers/promises'
import type { Binding, Recipe, RecipeShelf } from './ports.ts'
import { integer } from './stored-lora.ts'

/** A model that recipes name and the library does not have. */
export interface MissingPart {
  /** `lora:<hash>`, `lora:version:<id>`, or `lora:name:<name>` for what nothing but a name is known of. */
  key: string
  type: 'lora' | 'checkpoint'
  name: string
  versionName: string
  baseModel: string
  /** Lower-case, "" unknown. */
  hash: string
  /** 0 unknown. */
  versionId: number
  modelId: number
  /** Models of the library that bear its name: which of them is meant is not known. */
  candidates: string[]
  /** Ids of the recipes that name it. */
  recipes: string[]
  /** How many of them lack nothing else. */
  completes: number
}

export interface MissingParts {
  recipes: number
  /** Recipes that lack something. */
  incomplete: number
  parts: MissingPart[]
}

type Entry = Readonly<Record<string, unknown>>
type Shelf = Pick<RecipeShelf, 'get' | 'bindLora' | 'bindCheckpoint'>

/** So many recipes, then requests have their turn. */
const SLICE = 50

/** What recipes lack, each model once, whether they name it by hash or by version. Left-out LoRAs don't count. */
export async function collectMissing (shelf: Shelf, ids: readonly string[]): Promise<MissingParts> {
  const table = new Map<string, MissingPart>()
  const lacking: MissingPart[][] = []
  let recipes = 0
  for (const [at, id] of ids.entries()) {
    if (at % SLICE === SLICE - 1) await turn()
    const recipe = shelf.get(id)
    if (!recipe) continue
    recipes++
    const parts = partsOf(shelf, recipe).map((part) => merged(table, part, id))
    if (parts.length > 0) lacking.push(parts)
  }
  const known = joined([...new Set(table.values())])
  for (const parts of lacking) {
    const own = new Set(parts.map((part) => known.get(part) ?? part))
    if (own.size === 1) for (const part of own) part.completes++
  }
  return { recipes, incomplete: lacking.length, parts: [...new Set(known.values())] }
}

function partsOf (shelf: Shelf, { document }: Recipe): MissingPart[] {
  const base = textOf(document.base_model)
  const loras = document.loras.filter(({ exclude }) => exclude !== true).map((entry) => partOf('lora', entry, shelf.bindLora(entry, base), base))
  const checkpoint = document.checkpoint && partOf('checkpoint', document.checkpoint, shelf.bindCheckpoint(document.checkpoint), base)
  return [...loras, checkpoint].filter((part) => part !== null && part !== undefined)
}

function partOf (type: MissingPart['type'], entry: Entry, binding: Binding, recipeBase: string): MissingPart | null {
  if (binding.state === 'bound') return null
  const hash = textOf(entry.hash).toLowerCase()
  const versionId = integer(entry.modelVersionId) || integer(entry.id)
  const name = textOf(entry.modelName) || textOf(entry.name) || textOf(entry.file_name)
  if (hash === '' && versionId === 0 && name === '') return null
  return {
    key: hash !== '' ? `${type}:${hash}` : versionId > 0 ? `${type}:version:${versionId}` : `${type}:name:${name.toLowerCase()}`,
    type,
    name,
    versionName: textOf(entry.modelVersionName) || textOf(entry.version),
    baseModel: textOf(entry.baseModel) || recipeBase,
    hash,
    versionId,
    modelId: integer(entry.modelId),
    candidates: binding.state === 'ambiguous' ? binding.candidates.map(({ file_path: path }) => path) : [],
    recipes: [],
    completes: 0
  }
}

/** The part of the table that this one is, with what it adds. */
function merged (table: Map<string, MissingPart>, part: MissingPart, recipe: string): MissingPart {
  const known = table.get(part.key) ?? part
  table.set(part.key, known)
  known.name ||= part.name
  known.versionName ||= part.versionName
  known.baseModel ||= part.baseModel
  known.versionId ||= part.versionId
  known.modelId ||= part.modelId
  if (known.recipes.at(-1) !== recipe) known.recipes.push(recipe)
  return known
}

/** Parts that only a version id names, together with those of the same version that a hash names too. */
function joined (parts: readonly MissingPart[]): Map<MissingPart, MissingPart> {
  const byVersion = new Map<string, MissingPart>()
  for (const part of parts) if (part.hash !== '' && part.versionId > 0) byVersion.set(`${part.type}:${part.versionId}`, part)
  return new Map(parts.map((part) => {
    const holder = part.hash === '' && part.versionId > 0 ? byVersion.get(`${part.type}:${part.versionId}`) : undefined
    if (holder) holder.recipes = [...new Set([...holder.recipes, ...part.recipes])]
    return [part, holder ?? part]
  }))
}

const textOf = (value: unknown): string => typeof value === 'string' ? value.trim() : ''
