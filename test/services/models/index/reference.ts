import { similarity } from '../../../../services/models/similarity.ts'
import type { IndexedModel } from '../../../../services/models/entry.ts'
import type { IndexPreferences, ListQuery } from '../../../../services/models/ports.ts'

/** The rules of lists written down as plainly as possible, to compare the index with. */

export interface Reference {
  models: readonly IndexedModel[]
  preferences: IndexPreferences
  usage: (model: IndexedModel) => number
  update: (model: IndexedModel) => boolean
}

type Compare = (a: IndexedModel, b: IndexedModel) => number

const compare = (a: string | number, b: string | number): number => a < b ? -1 : a > b ? 1 : 0

export function compareNaturally (a: string, b: string): number {
  const chunks = (text: string): (string | number)[] => text.normalize('NFD').toLowerCase().split(/(\d+)/).map((part, i) => i % 2 === 1 ? Number(part) : part)
  const [left, right] = [chunks(a), chunks(b)]
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = compare(left[i] ?? '', right[i] ?? '')
    if (order !== 0) return order
  }
  return left.length - right.length
}

const display = (model: IndexedModel, key: 'model_name' | 'file_name'): string => model[key] || model[key === 'model_name' ? 'file_name' : 'model_name']
const plainly: Compare = (a, b) => compare(display(a, 'model_name').toLowerCase(), display(b, 'model_name').toLowerCase()) || compare(a.file_path.toLowerCase(), b.file_path.toLowerCase()) || a.id - b.id

export const groupOf = (model: IndexedModel, preferences?: IndexPreferences): string | null => {
  const hf = /huggingface\.co\/([^/]+)\/([^/]+)/.exec(model.hf_url)
  const key = model.civitai?.modelId ? String(model.civitai.modelId) : hf ? `hf:${hf[1]}/${hf[2]}` : null
  return key === null || preferences?.versionGrouping !== 'same_base' ? key : `${key} ${model.base_model}`
}

export const newest: Compare = (a, b) => (b.civitai?.id ?? 0) - (a.civitai?.id ?? 0) || b.modified - a.modified || a.id - b.id

const fold = (tag: string): string => tag.trim().toLowerCase()

function hasTags (model: IndexedModel, query: ListQuery): boolean {
  const own = model.tags.map(fold).filter((tag) => tag !== '')
  const excluded = query.tagExclude.map(fold)
  const included = query.tagInclude.map(fold).filter((tag) => !excluded.includes(tag))
  const has = (tag: string): boolean => tag === '__no_tags__' ? own.length === 0 : own.includes(tag)
  if (excluded.some(has)) return false
  if (included.length === 0) return true
  const real = included.filter((tag) => tag !== '__no_tags__')
  if (query.tagLogic === 'any' || real.length === 0) return included.some(has)
  return real.every(has) || (included.includes('__no_tags__') && own.length === 0)
}

function texts (model: IndexedModel, { searchIn }: ListQuery): string[] {
  return [
    ...(searchIn.fileName ? [model.file_name] : []), ...(searchIn.modelName ? [model.model_name] : []),
    ...(searchIn.tags ? model.tags : []), ...(searchIn.creator && model.civitai?.creator ? [model.civitai.creator.username] : [])
  ].map((text) => text.toLowerCase())
}

function matchesText (model: IndexedModel, query: ListQuery): boolean {
  const term = query.search.trim().toLowerCase()
  if (term === '') return true
  const words = term.split(/[\s_\-.]+/).filter((word) => word !== '')
  const fields = texts(model, query)
  if (!query.fuzzy || words.length === 0) return fields.some((text) => text.includes(term))
  return words.every((word) => fields.some((text) => text.includes(word) || text.split(/[\s_\-.]+/).some((other) => other !== '' && similarity(word, other) >= 0.85)))
}

const within = (folder: string, parent: string): boolean => folder === parent || folder.startsWith(`${parent}/`)

function inFolders (model: IndexedModel, query: ListQuery): boolean {
  const passes = (wanted: string): boolean => query.recursive ? wanted === '' || within(model.folder, wanted) : model.folder === wanted
  return !query.folderExclude.some((folder) => within(model.folder, folder)) &&
    (query.folder === undefined || passes(query.folder)) &&
    (query.folderInclude.length === 0 || query.folderInclude.some(passes))
}

function passes (reference: Reference, model: IndexedModel, query: ListQuery): boolean {
  if (query.updateAvailableOnly && !(model.civitai?.modelId && reference.update(model))) return false
  if (query.hashes.length > 0) return query.hashes.some((hash) => model.sha256.startsWith(hash) || model.autov3 === hash)
  return !(reference.preferences.sfwOnly && model.preview_nsfw_level >= 4) &&
    !(query.favoritesOnly && !model.favorite) &&
    inFolders(model, query) &&
    (query.baseModels.length === 0 || query.baseModels.includes(model.base_model)) &&
    hasTags(model, query) && matchesText(model, query) &&
    (query.creditRequired === undefined || query.creditRequired === ((model.license_flags & 1) === 0)) &&
    (query.allowSelling === undefined || query.allowSelling === ((model.license_flags & 2) !== 0))
}

function comparator (reference: Reference, key: string, counts: (model: IndexedModel) => number): Compare {
  const name = reference.preferences.nameDisplay
  switch (key) {
    case 'name': return (a, b) => compareNaturally(display(a, name), display(b, name)) || compareNaturally(a.file_path, b.file_path) || a.id - b.id
    case 'date': return (a, b) => a.modified - b.modified || plainly(a, b)
    case 'size': return (a, b) => a.size - b.size || plainly(a, b)
    case 'usage': return (a, b) => reference.usage(a) - reference.usage(b) || plainly(a, b)
    case 'versions_count': return (a, b) => counts(a) - counts(b) || plainly(a, b)
    default: return (a, b) => a.id - b.id
  }
}

/** Members of groups side by side, equally large groups by their first local member; see models §3.7. */
function sideBySide (found: readonly IndexedModel[], listed: readonly IndexedModel[], reference: Reference, descending: boolean): IndexedModel[] {
  const groups = new Map<string, IndexedModel[]>()
  const sorted = [...listed].sort(plainly)
  for (const model of sorted) {
    const key = groupOf(model, reference.preferences)
    if (key !== null) groups.set(key, [...groups.get(key) ?? [], model])
  }
  const order = [...groups.values()].sort((a, b) => a.length - b.length)
  if (descending) order.reverse()
  return [...order.flatMap((members) => members.sort(newest)), ...sorted.filter((model) => groupOf(model, reference.preferences) === null)]
    .filter((model) => found.includes(model))
}

/** Every model of a query, in order. */
export function expected (reference: Reference, query: ListQuery): { model: IndexedModel, versions: number | null }[] {
  const listed = reference.models.filter((model) => !model.exclude)
  const sizes = new Map<string, number>()
  for (const model of listed) {
    const key = groupOf(model, reference.preferences)
    if (key !== null) sizes.set(key, (sizes.get(key) ?? 0) + 1)
  }
  const versions = (model: IndexedModel): number | null => sizes.get(groupOf(model, reference.preferences) ?? '') ?? null
  let found = listed.filter((model) => passes(reference, model, query))
  if (query.groupKey !== '') return found.filter((model) => groupOf(model) === query.groupKey).sort(newest).map((model) => ({ model, versions: null }))
  const { key, order } = query.sort
  if (query.groupByModel) {
    found = found.filter((model) => versions(model) === null || !found.some((other) => groupOf(other, reference.preferences) === groupOf(model, reference.preferences) && newest(other, model) < 0))
  } else if (key === 'versions_count') {
    return sideBySide(found, listed, reference, order === 'desc').map((model) => ({ model, versions: null }))
  }
  found.sort(comparator(reference, key, (model) => versions(model) ?? 0))
  if (order === 'desc' && key !== 'other') found.reverse()
  return found.map((model) => ({ model, versions: query.groupByModel ? versions(model) : null }))
}
