import { LRUCache } from 'lru-cache'
import type { BitSet } from './bit-set.ts'
import type { Corpus } from './corpus.ts'
import { filterModels, updateSet } from './filters.ts'
import type { FilterContext } from './filters.ts'
import type { Group } from './duplicates.ts'
import { versionCount } from './group-table.ts'
import { createItemWriter } from './item-json.ts'
import { orderModels } from './ordering.ts'
import { slotsOf } from './selection.ts'
import type { Selection } from './selection.ts'
import { createUsageColumn } from './usage-column.ts'
import type { IndexPreferences, ListPage, ListQuery, UpdateFlags, UsageCounts } from '../ports.ts'

/** Bytes of finished pages that are kept. */
const PAGE_BYTES = 4 * 1024 * 1024
const MOST_SELECTIONS = 24
const MOST_RESULTS = 64

export interface AnswerDeps {
  corpus: Corpus
  preferences: () => IndexPreferences
  usage: UsageCounts
  updates: UpdateFlags
  isOffline: (rootId: string) => boolean
  version: () => number
  /** Whether the global SFW preference hides models of this corpus. */
  hidesUnsafe: boolean
}

/** Answers queries over a corpus and remembers the answers until anything they depend on changes. */
export interface Answers {
  list (query: ListQuery): ListPage
  select (query: ListQuery): Uint32Array
  item (slot: number): Buffer
  /** Models that pass the filters, null for all; the global SFW preference counts when asked for. */
  filter (query: ListQuery, withPreferences: boolean): BitSet | null
  /** JSON of `[{<name>: key, <list>: [items]}]`. */
  groups (groups: readonly Group[], name: string, list: string): Buffer
  /** A result that holds while the index, the preferences and the stamp stay as they are. */
  derived<T> (key: string, stamp: number, compute: () => T): T
  /** Stamp of results that hold list items. */
  itemStamp (): number
  forget (slot: number): void
  clear (): void
}

export function createAnswers (deps: AnswerDeps): Answers {
  const { corpus, usage, updates } = deps
  const writer = createItemWriter(corpus, deps.isOffline)
  const usageColumn = createUsageColumn(corpus, usage)
  const pages = new LRUCache<string, ListPage>({ maxSize: PAGE_BYTES, sizeCalculation: ({ body }) => body.length + 512 })
  const selections = new LRUCache<string, Selection>({ max: MOST_SELECTIONS })
  const results = new Map<string, { stamp: number, value: unknown }>()
  const atoms = new Map<string, BitSet>()
  let itemStamp = 0
  let state = { version: -1, usage: -1, updates: -1, preferences: deps.preferences() }

  /** A query that is never changed is asked again as the same object. */
  const keys = new WeakMap<ListQuery, string>()
  const keyOf = (query: ListQuery): string => {
    const known = keys.get(query)
    if (known !== undefined) return known
    const key = JSON.stringify(query)
    if (Object.isFrozen(query)) keys.set(query, key)
    return key
  }

  /** Forgets what no longer holds; call before anything is looked up. */
  const refresh = (): IndexPreferences => {
    const preferences = deps.preferences()
    const { nameDisplay, sfwOnly, versionGrouping } = state.preferences
    const changed = state.version !== deps.version() ||
      nameDisplay !== preferences.nameDisplay || sfwOnly !== preferences.sfwOnly || versionGrouping !== preferences.versionGrouping
    if (changed || state.usage !== usage.version || state.updates !== updates.version) {
      pages.clear()
      selections.clear()
      itemStamp++
      state = { version: deps.version(), usage: usage.version, updates: updates.version, preferences: { ...preferences } }
    }
    if (changed) {
      results.clear()
      atoms.clear()
    }
    return state.preferences
  }

  const derived = <T>(key: string, stamp: number, compute: () => T): T => {
    refresh()
    const known = results.get(key)
    if (known?.stamp === stamp) return known.value as T
    const value = compute()
    if (results.size >= MOST_RESULTS) results.clear()
    results.set(key, { stamp, value })
    return value
  }

  /** Told from columns, as usage is: making the model itself would cost as much as writing its item. */
  const offersUpdate = (slot: number, { versionGrouping }: IndexPreferences): boolean => {
    const { columns, bases } = corpus
    const modelId = columns.group[slot] as number
    return modelId > 0 && updates.available({ base_model: bases.text(columns.base[slot] as number), civitai: { id: columns.version[slot] as number, modelId } }, versionGrouping)
  }

  const filterContext = (preferences: IndexPreferences): FilterContext => ({
    corpus,
    preferences,
    atoms,
    updates: () => derived('updates', updates.version, () => updateSet(corpus, (slot) => offersUpdate(slot, preferences)))
  })

  const filter = (query: ListQuery, withPreferences: boolean): BitSet | null => {
    const preferences = refresh()
    return filterModels(filterContext(withPreferences ? preferences : { ...preferences, sfwOnly: false }), query)
  }

  const selectionOf = (query: ListQuery): Selection => {
    const preferences = refresh()
    const { page, pageSize, ...rest } = query
    const key = JSON.stringify(rest)
    const known = selections.get(key)
    if (known) return known
    const selection = orderModels({ corpus, preferences, usage: usageColumn, derived }, query, filter(query, deps.hidesUnsafe))
    selections.set(key, selection)
    return selection
  }

  const writeItem = (slot: number, selection: Selection | null, into: string[]): boolean => writer.write(slot, {
    usageCount: usage.count({ sha256: corpus.text(slot, 'sha256') }),
    updateAvailable: offersUpdate(slot, state.preferences),
    versionCount: selection?.groups ? versionCount(selection.groups, slot) : null
  }, into)

  const writeItems = (slots: Iterable<number>, selection: Selection | null, into: string[]): void => {
    let first = true
    for (const slot of slots) {
      const end = into.length
      if (!first) into.push(',')
      if (writeItem(slot, selection, into)) first = false
      else into.length = end
    }
  }

  const list = (query: ListQuery): ListPage => {
    refresh()
    const key = keyOf(query)
    const known = pages.get(key)
    if (known) return known
    const selection = selectionOf(query)
    const { total } = selection
    const { page, pageSize } = query
    const into = ['{"items":[']
    writeItems(slotsOf(selection, (page - 1) * pageSize, pageSize), selection, into)
    into.push(`],"total":${total},"page":${page},"page_size":${pageSize},"total_pages":${Math.ceil(total / pageSize)}}`)
    const answer = { body: Buffer.from(into.join('')), total }
    pages.set(key, answer)
    return answer
  }

  return {
    list,
    select: (query) => {
      const selection = selectionOf(query)
      return slotsOf(selection, 0, selection.total).map((slot) => corpus.columns.id[slot] as number)
    },
    item: (slot) => {
      refresh()
      const into: string[] = []
      writeItem(slot, null, into)
      return Buffer.from(into.join(''))
    },
    filter,
    groups: (groups, name, list) => {
      const into = ['[']
      for (const [i, { key, slots }] of groups.entries()) {
        into.push(i > 0 ? ',' : '', `{${JSON.stringify(name)}:${JSON.stringify(key)},${JSON.stringify(list)}:[`)
        writeItems(slots, null, into)
        into.push(']}')
      }
      into.push(']')
      return Buffer.from(into.join(''))
    },
    derived,
    itemStamp: () => {
      refresh()
      return itemStamp
    },
    forget: (slot) => {
      writer.forget(slot)
      usageColumn.touch(slot)
    },
    clear: () => writer.clear()
  }
}
