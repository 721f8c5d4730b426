import { isObject, readText } from '../models/read-value.ts'

/** What of a stored recipe its image carries; members as in `.recipe.json`, whatever their state. */
export interface MarkedRecipe {
  title?: unknown
  base_model?: unknown
  loras?: unknown
  gen_params?: unknown
  tags?: unknown
  checkpoint?: unknown
  [key: string]: unknown
}

/** Begins the recipe in an image's text; other programs look for exactly this (recipes §2.2). */
const MARKER = 'Recipe metadata: '

/** `Recipe metadata: ` and one line of JSON. */
export function recipeMarker (recipe: MarkedRecipe): string {
  const checkpoint = isObject(recipe.checkpoint) && Object.keys(recipe.checkpoint).length > 0 ? { checkpoint: markedCheckpoint(recipe.checkpoint) } : {}
  return MARKER + asciiJson({
    title: readText(recipe.title),
    base_model: readText(recipe.base_model),
    loras: Array.isArray(recipe.loras) ? recipe.loras.filter(isObject).map(markedLora) : [],
    gen_params: isObject(recipe.gen_params) ? recipe.gen_params : {},
    tags: Array.isArray(recipe.tags) ? recipe.tags.filter((tag) => typeof tag === 'string') : [],
    ...checkpoint
  })
}

/** The text with its first marker cut out, to the end of its line; what stood before and after it stays. */
export function withoutMarker (text: string): string {
  const at = text.indexOf(MARKER)
  if (at < 0) return text
  const before = text.slice(0, at)
  const lineEnd = text.indexOf('\n', at)
  const kept = before.endsWith(', ') ? before.slice(0, -2) : before
  return lineEnd < 0 ? kept.trimEnd() : kept + text.slice(lineEnd)
}

/** The text with this recipe as its one marker. */
export function withMarker (text: string, recipe: MarkedRecipe): string {
  const kept = withoutMarker(text)
  const marker = recipeMarker(recipe)
  return kept === '' ? marker : `${kept} \n ${marker}`
}

function markedLora (lora: Record<string, unknown>): Record<string, unknown> {
  return {
    file_name: readText(lora.file_name),
    hash: readText(lora.hash).toLowerCase(),
    strength: lora.strength ?? lora.weight ?? 1,
    modelVersionId: lora.modelVersionId ?? 0,
    modelName: readText(lora.modelName ?? lora.name),
    modelVersionName: readText(lora.modelVersionName ?? lora.version)
  }
}

function markedCheckpoint (checkpoint: Record<string, unknown>): Record<string, unknown> {
  return {
    type: readText(checkpoint.type) || 'checkpoint',
    modelId: checkpoint.modelId ?? 0,
    modelVersionId: checkpoint.modelVersionId ?? checkpoint.id ?? 0,
    modelName: readText(checkpoint.modelName ?? checkpoint.name),
    modelVersionName: readText(checkpoint.modelVersionName ?? checkpoint.version),
    hash: readText(checkpoint.hash).toLowerCase(),
    file_name: readText(checkpoint.file_name),
    baseModel: readText(checkpoint.baseModel)
  }
}

/** One line, `", "` and `": "` between members, everything beyond ASCII escaped: what other readers of the marker were built for. */
function asciiJson (value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(asciiJson).join(', ')}]`
  if (isObject(value)) return `{${Object.entries(value).filter(([, member]) => member !== undefined).map(([key, member]) => `${asciiJson(key)}: ${asciiJson(member)}`).join(', ')}}`
  const json = JSON.stringify(value) ?? 'null'
  return json.replaceAll(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
