import type { ModelLibrary } from '../../services/models/ports.ts'
import { firstValue } from '../../services/query-values.ts'
import { allWhenZero, parseLimit, type RawQuery } from './parse-list-query.ts'

interface Deps { library: ModelLibrary }
interface TagCount { tag: string, count: number }

const TAG_LIMIT = { fallback: 20, lowest: 0, highest: 200 }

export const topTags = ({ library }: Deps) => (query: RawQuery): TagCount[] =>
  library.index.topTags(allWhenZero(parseLimit(query.limit, TAG_LIMIT)))

/** Without a text these are the top tags, of which zero can't ask for all. */
export const searchTags = ({ library }: Deps) => (query: RawQuery): TagCount[] => {
  const text = (firstValue(query.q) ?? '').trim().slice(0, 1024)
  const limit = parseLimit(query.limit, TAG_LIMIT)
  return text === '' ? library.index.topTags(limit || TAG_LIMIT.fallback) : library.index.searchTags(text, allWhenZero(limit))
}

export const countBaseModels = ({ library }: Deps) => (query: RawQuery): { name: string, count: number }[] =>
  library.index.baseModels(allWhenZero(parseLimit(query.limit, { fallback: 20, lowest: 0, highest: 100 })))

export const countModelTypes = ({ library }: Deps) => (query: RawQuery): { type: string, count: number }[] =>
  library.index.modelTypes(parseLimit(query.limit, { fallback: 20, lowest: 1, highest: 100 }))
