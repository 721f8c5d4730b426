import { readPageAddress } from '../civitai/addresses.ts'
import { isObject, readText } from '../models/read-value.ts'
import { naturalKey } from '../models/natural-key.ts'
import type { RecipeTexts } from './recipe-search.ts'
import type { StoredRecipe } from './recipe-store.ts'
import type { RecipeDocument, RecipeLoraEntry } from './schema.ts'

/** A recipe as the index holds it. */
export interface RecipeEntry extends StoredRecipe {
  titleKey: string
  /** Seconds; what "newest" means. */
  date: number
  /** Of the CivitAI image that it was imported from, or "". */
  imageId: string
}

export function recipeEntry (row: StoredRecipe): RecipeEntry {
  const { title, modified, created, source } = row.facts
  return { ...row, titleKey: naturalKey(title), date: modified || created, imageId: imageIdOf(source) }
}

function imageIdOf (source: string): string {
  const page = source.startsWith('http') ? readPageAddress(source) : null
  return page?.page === 'image' ? String(page.imageId) : ''
}

export function lorasOf (entry: Pick<StoredRecipe, 'loras'>): RecipeLoraEntry[] {
  return JSON.parse(entry.loras) as RecipeLoraEntry[]
}

/** The document, with its parameters as they are stored. */
export function documentOf ({ members, loras, params, checkpoint }: StoredRecipe): RecipeDocument {
  return JSON.parse(`{${members},"loras":${loras},"gen_params":${params}${checkpoint === '' ? '' : `,"checkpoint":${checkpoint}`}}`) as RecipeDocument
}

export function textsOf (entry: StoredRecipe): RecipeTexts {
  const loras = lorasOf(entry)
  const params: unknown = JSON.parse(entry.shownParams || entry.params)
  const { prompt, negative_prompt: negative } = isObject(params) ? params : {}
  const all = (name: string): string => loras.map((lora) => readText(lora[name])).join('\n')
  return { title: entry.facts.title, tags: entry.facts.tags.join('\n'), loraName: all('file_name'), loraModel: all('modelName'), prompt: readText(prompt), negative: readText(negative) }
}
