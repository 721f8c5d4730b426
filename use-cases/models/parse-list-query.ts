import { LRUCache } from 'lru-cache'
import { firstValue, integerOr, legacyBoolean, listValues, type QueryValue } from '../../services/query-values.ts'
import type { DuplicateFilter, ListQuery } from '../../services/models/ports.ts'
import type { ModelType } from '../../services/models/types.ts'

/** A query string as it came: texts, or lists of texts where a key is repeated. */
export type RawQuery = Readonly<Record<string, QueryValue>>

const DEFAULT_PAGE_SIZE = 20
const MAX_PAGE_SIZE = 100
const MAX_TEXT = 1024

const fold = (text: string): string => text.trim().toLowerCase()
const text = (value: QueryValue): string => (firstValue(value) ?? '').slice(0, MAX_TEXT)
const csv = (value: string | undefined): string[] => (value ?? '').split(',').map((part) => part.trim()).filter((part) => part !== '')
const filled = (value: QueryValue): string[] => listValues(value).map((part) => part.slice(0, MAX_TEXT)).filter((part) => part.trim() !== '')

function pageSizeOf (raw: RawQuery): number {
  const asked = integerOr('page_size', raw.page_size, DEFAULT_PAGE_SIZE)
  return asked < 1 ? DEFAULT_PAGE_SIZE : Math.min(asked, MAX_PAGE_SIZE)
}

/** `key[:order]`; behind `random:` stands a seed instead. */
function sortOf (value: QueryValue): ListQuery['sort'] {
  const given = text(value)
  const colon = given.indexOf(':')
  const key = fold(colon < 0 ? given : given.slice(0, colon)) || 'name'
  const rest = colon < 0 ? '' : fold(given.slice(colon + 1))
  const isOrder = rest === 'asc' || rest === 'desc'
  return { key, order: rest === 'desc' ? 'desc' : 'asc', seed: isOrder ? '' : rest }
}

/** A JSON array in a text; anything else is no filter. */
function jsonList (value: string | undefined): string[] {
  if (value === undefined) return []
  try {
    const list: unknown = JSON.parse(value)
    return Array.isArray(list) ? list.filter((entry): entry is string => typeof entry === 'string') : []
  } catch (error) {
    if (error instanceof SyntaxError) return []
    throw error
  }
}

function hashesOf (raw: RawQuery, type: ModelType): string[] {
  const own = type.name === 'embedding' ? [] : [firstValue(raw[`${type.name}_hash`]) ?? '', ...firstValue(raw[`${type.name}_hash`]) ? [] : csv(firstValue(raw[`${type.name}_hashes`]))]
  const generic = firstValue(raw.hash) ? [text(raw.hash)] : jsonList(firstValue(raw.hashes))
  const specific = own.map(fold).filter((hash) => hash !== '')
  return specific.length > 0 ? specific : generic.map(fold).filter((hash) => hash !== '')
}

function tagsOf (raw: RawQuery): { include: string[], exclude: string[] } {
  const exclude = filled(raw.tag_exclude)
  const legacy = filled(raw.tag)
  const excluded = new Set(exclude.map(fold))
  const include = [...(legacy.length > 0 ? legacy : csv(firstValue(raw.tags))), ...filled(raw.tag_include)]
  return { include: include.filter((tag) => !excluded.has(fold(tag))), exclude }
}

/** Licence filters have their own idea of truth: everything but `false`, `0` and nothing. */
function licenseFlag (value: QueryValue): boolean | undefined {
  const given = firstValue(value)
  return given === undefined ? undefined : !['false', '0', ''].includes(fold(given))
}

const subTypesOf = (raw: RawQuery): string[] => [...filled(raw.model_type), ...filled(raw.civitai_model_type)].map(fold)

/**
 * Reads every list parameter, clamped where the contract clamps.
 * @throws InvalidInputError when `page` or `page_size` is no integer
 */
export function parseListQuery (raw: RawQuery, type: ModelType): ListQuery {
  const tags = tagsOf(raw)
  const folder = firstValue(raw.folder)
  const creditRequired = licenseFlag(raw.credit_required)
  const allowSelling = licenseFlag(raw.allow_selling_generated_content)
  const patterns = type.name === 'lora'
  return {
    page: Math.max(1, integerOr('page', raw.page, 1)),
    pageSize: pageSizeOf(raw),
    sort: sortOf(raw.sort_by),
    ...folder === undefined ? {} : { folder },
    recursive: legacyBoolean(raw.recursive, true),
    folderInclude: filled(raw.folder_include),
    folderExclude: filled(raw.folder_exclude),
    search: text(raw.search),
    fuzzy: legacyBoolean(raw.fuzzy_search) || legacyBoolean(raw.fuzzy),
    searchIn: {
      fileName: legacyBoolean(raw.search_filename, true),
      modelName: legacyBoolean(raw.search_modelname, true),
      tags: legacyBoolean(raw.search_tags),
      creator: legacyBoolean(raw.search_creator)
    },
    baseModels: filled(raw.base_model),
    subTypes: subTypesOf(raw),
    tagInclude: tags.include,
    tagExclude: tags.exclude,
    tagLogic: fold(text(raw.tag_logic)) === 'all' ? 'all' : 'any',
    autoTagInclude: filled(raw.auto_tag_include),
    autoTagExclude: filled(raw.auto_tag_exclude),
    favoritesOnly: legacyBoolean(raw.favorites_only),
    updateAvailableOnly: legacyBoolean(raw.update_available_only),
    ...creditRequired === undefined ? {} : { creditRequired },
    ...allowSelling === undefined ? {} : { allowSelling },
    hashes: hashesOf(raw, type),
    firstLetter: text(raw.first_letter).trim(),
    namePatternInclude: patterns ? filled(raw.name_pattern_include) : [],
    namePatternExclude: patterns ? filled(raw.name_pattern_exclude) : [],
    namePatternUseRegex: legacyBoolean(raw.name_pattern_use_regex),
    groupByModel: legacyBoolean(raw.group_by_model),
    groupKey: text(raw.civitai_model_id).trim()
  }
}

const MOST_QUERIES = 512

/** Reads list parameters, those of one spelling once: of a query that is asked again neither parsing nor making its key is left. */
export function createListQueryReader (type: ModelType): (raw: RawQuery, spelling: string) => ListQuery {
  const known = new LRUCache<string, ListQuery>({ max: MOST_QUERIES })
  return (raw, spelling) => {
    const read = known.get(spelling)
    if (read) return read
    const query = Object.freeze(parseListQuery(raw, type))
    known.set(spelling, query)
    return query
  }
}

export function parseDuplicateFilter (raw: RawQuery): DuplicateFilter {
  const folder = firstValue(raw.folder)
  return {
    baseModels: filled(raw.base_model),
    tagInclude: filled(raw.tag_include),
    tagExclude: filled(raw.tag_exclude),
    subTypes: subTypesOf(raw),
    ...folder ? { folder } : {},
    favoritesOnly: legacyBoolean(raw.favorites_only)
  }
}

/** A number of results within bounds; out of bounds is the default, as clients know it. */
export function parseLimit (value: QueryValue, bounds: { fallback: number, lowest: number, highest: number }): number {
  const limit = integerOr('limit', value, bounds.fallback)
  return limit < bounds.lowest || limit > bounds.highest ? bounds.fallback : limit
}

/** Zero asks for all of them. */
export const allWhenZero = (limit: number): number => limit === 0 ? Number.MAX_SAFE_INTEGER : limit
