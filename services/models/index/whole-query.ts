import type { DuplicateFilter, ListQuery } from '../ports.ts'

const EXCLUDED_SORTS = new Set(['name', 'date', 'size', 'usage', 'random'])

/** A query for everything, in pages of 20 by name. */
export const NO_FILTER: ListQuery = {
  page: 1,
  pageSize: 20,
  sort: { key: 'name', order: 'asc', seed: '' },
  recursive: true,
  folderInclude: [],
  folderExclude: [],
  search: '',
  fuzzy: false,
  searchIn: { fileName: true, modelName: true, tags: false, creator: false },
  baseModels: [],
  subTypes: [],
  tagInclude: [],
  tagExclude: [],
  tagLogic: 'any',
  autoTagInclude: [],
  autoTagExclude: [],
  favoritesOnly: false,
  updateAvailableOnly: false,
  hashes: [],
  firstLetter: '',
  namePatternInclude: [],
  namePatternExclude: [],
  namePatternUseRegex: false,
  groupByModel: false,
  groupKey: ''
}

/** Of the parameters of a list, excluded models honour page, order and search. */
export function excludedQuery ({ page, pageSize, sort, search, fuzzy, searchIn }: ListQuery): ListQuery {
  return { ...NO_FILTER, page, pageSize, sort: EXCLUDED_SORTS.has(sort.key) ? sort : { ...sort, key: 'name' }, search, fuzzy, searchIn }
}

/** All tags are wanted; a folder means what is below it, too. */
export function duplicateQuery ({ baseModels: bases, tagInclude, tagExclude, subTypes, folder, favoritesOnly }: DuplicateFilter): ListQuery {
  return { ...NO_FILTER, baseModels: bases, tagInclude, tagExclude, tagLogic: 'all', subTypes, favoritesOnly, ...(folder === undefined ? {} : { folder }) }
}
