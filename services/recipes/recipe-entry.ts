import { isObject, readText } from '../models/read-value.ts'
import { naturalKey } from '../models/natural-key.ts'
import type { RecipeTexts } from './recipe-search.ts'
import type { RecipeBody } from './recipe-row.ts'
import { factsOf, type StoredRecipe, type WholeRecipe } from './recipe-store.ts'
import type { RecipeDocument, RecipeLoraEntry } from './schema.ts'

export function titleKeyOf (entry: StoredRecipe): string {
  entry.titleKey ??= naturalKey(factsOf(entry).title)
  return entry.titleKey
}

export function lorasOf (entry: Pick<RecipeBody, 'loras'>): RecipeLoraEntry[] {
  return JSON.parse(lorasJson(entry)) as RecipeLoraEntry[]
}

/** The entries as one JSON list. */
export function lorasJson ({ loras }: Pick<RecipeBody, 'loras'>): string {
  return `[${loras.replaceAll('\n', ',')}]`
}

/** The document, with its parameters as they are stored. */
export function documentOf (entry: RecipeBody): RecipeDocument {
  const { members, params, checkpoint } = entry
  return JSON.parse(`{${members},"loras":${lorasJson(entry)},"gen_params":${params}${checkpoint === '' ? '' : `,"checkpoint":${checkpoint}`}}`) as RecipeDocument
}

export function textsOf ({ row, body }: WholeRecipe): RecipeTexts {
  const loras = lorasOf(body)
  const params: unknown = JSON.parse(body.shownParams || body.params)
  const { prompt, negative_prompt: negative } = isObject(params) ? params : {}
  const { title, tags } = factsOf(row)
  const all = (name: string): string => loras.map((lora) => readText(lora[name])).join('\n')
  return { title, tags: tags.join('\n'), loraName: all('file_name'), loraModel: all('modelName'), prompt: readText(prompt), negative: readText(negative) }
}
