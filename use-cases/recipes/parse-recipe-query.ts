import { clamp, firstValue, integerOr, legacyBoolean, listValues, type QueryValue } from '../../services/query-values.ts'
import type { RecipeQuery } from '../../services/recipes/ports.ts'

/** A query string as it came: texts, or lists of texts where a key is repeated. */
export type RawQuery = Readonly<Record<string, QueryValue>>

const MAX_PAGE_SIZE = 1000
const MAX_TEXT = 1024

const text = (value: QueryValue): string => (firstValue(value) ?? '').slice(0, MAX_TEXT)
const names = (value: QueryValue): string[] => listValues(value).flatMap((part) => part.split(',')).map((part) => part.trim()).filter((part) => part !== '')
const filled = (value: QueryValue): string[] => listValues(value).map((part) => part.trim()).filter((part) => part !== '')

/** Reads every list parameter, clamped. @throws InvalidInputError when `page` or `page_size` is no integer */
export function parseRecipeQuery (raw: RawQuery): RecipeQuery {
  const folder = firstValue(raw.folder)
  return {
    page: Math.max(1, integerOr('page', raw.page, 1)),
    pageSize: clamp(integerOr('page_size', raw.page_size, 20), 1, MAX_PAGE_SIZE),
    sort: text(raw.sort_by).trim() || 'date',
    search: text(raw.search),
    searchIn: {
      title: legacyBoolean(raw.search_title, true),
      tags: legacyBoolean(raw.search_tags, true),
      loraName: legacyBoolean(raw.search_lora_name, true),
      loraModel: legacyBoolean(raw.search_lora_model, true),
      prompt: legacyBoolean(raw.search_prompt, true)
    },
    ...(folder !== undefined && { folder }),
    recursive: legacyBoolean(raw.recursive, true),
    baseModels: names(raw.base_models),
    favoritesOnly: legacyBoolean(raw.favorite),
    tagInclude: [...names(raw.tags), ...filled(raw.tag_include)],
    tagExclude: filled(raw.tag_exclude),
    loraHash: text(raw.lora_hash).trim().toLowerCase(),
    checkpointHash: text(raw.checkpoint_hash).trim().toLowerCase()
  }
}
