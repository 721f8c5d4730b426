import type { ModelLibrary } from '../../services/models/ports.ts'
import { firstValue, integerOr } from '../../services/query-values.ts'
import { parseListQuery, type RawQuery } from './parse-list-query.ts'

const MAX_PATHS = 100
const DEFAULT_PATHS = 15

/** Any of these keys, even empty, makes the filters of the list apply. */
const FILTERS = ['recursive', 'folder', 'base_model', 'model_type', 'tag_include', 'tag_exclude', 'auto_tag_include', 'auto_tag_exclude', 'credit_required', 'allow_selling_generated_content']

/** Paths below their root for autocompletion, best match first. */
export const suggestPaths = ({ library }: { library: ModelLibrary }) => (query: RawQuery): string[] => {
  const asked = integerOr('limit', query.limit, DEFAULT_PATHS)
  const limit = asked < 1 ? DEFAULT_PATHS : Math.min(asked, MAX_PATHS)
  const offset = Math.max(0, integerOr('offset', query.offset, 0))
  const search = (firstValue(query.search) ?? '').slice(0, 1024)
  const filters = Object.fromEntries(FILTERS.concat('tag_logic').map((key) => [key, query[key]]))
  const filtered = FILTERS.some((key) => query[key] !== undefined)
  return library.index.relativePaths(parseListQuery(filters, library.type), filtered, search, limit, offset)
}
