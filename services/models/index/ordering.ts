import { hasBit } from './bit-set.ts'
import type { BitSet } from './bit-set.ts'
import type { Corpus } from './corpus.ts'
import { byGroupSize } from './group-size-order.ts'
import { compareNewest, groupModels, representatives, versionCount } from './group-table.ts'
import type { GroupTable } from './group-table.ts'
import { radixSort } from './radix-sort.ts'
import { selectAll, selectIn } from './selection.ts'
import type { Selection } from './selection.ts'
import { spreadOrder, type SpreadOrder } from './spread-order.ts'
import { integerHash, textHash } from './text-hash.ts'
import type { UsageColumn } from './usage-column.ts'
import type { IndexPreferences, ListQuery } from '../ports.ts'

export interface OrderContext {
  corpus: Corpus
  preferences: IndexPreferences
  usage: UsageColumn
  /** Results that hold while the index and the stamp stay as they are, by name. */
  derived: <T>(key: string, stamp: number, compute: () => T) => T
}

export type OrderQuery = Pick<ListQuery, 'sort' | 'groupByModel' | 'groupKey'>

/** Puts what passed the filters (null: everything) into the order asked for, grouped if asked for. */
export function orderModels (context: OrderContext, query: OrderQuery, bits: BitSet | null): Selection {
  const { corpus } = context
  if (query.groupKey !== '') return localVersions(corpus, query.groupKey, bits)
  if (query.groupByModel) {
    const groups = groupsOf(context)
    return inOrder(context, query, representatives(corpus, groups, bits ?? corpus.live), groups)
  }
  if (query.sort.key !== 'versions_count') return inOrder(context, query, bits, null)
  const descending = query.sort.order === 'desc'
  return selectIn(context.derived(`members ${query.sort.order}`, 0, () => byGroupSize(corpus, groupsOf(context), corpus.orders.plain.read(), descending)), false, bits)
}

const groupsOf = ({ corpus, preferences, derived }: OrderContext): GroupTable => derived('groups', 0, () => groupModels(corpus, preferences.versionGrouping))

function inOrder (context: OrderContext, query: OrderQuery, bits: BitSet | null, groups: GroupTable | null): Selection {
  const { orders } = context.corpus
  const descending = query.sort.order === 'desc'
  switch (query.sort.key) {
    case 'name': return selectIn(orders.name[context.preferences.nameDisplay].read(), descending, bits, groups)
    case 'date': return selectIn(orders.date.read(), descending, bits, groups)
    case 'size': return selectIn(orders.size.read(), descending, bits, groups)
    case 'usage': return selectIn(context.derived('usage', context.usage.version, () => usageOrder(context)), descending, bits, groups)
    case 'versions_count': return selectIn(context.derived('versions', 0, () => versionsOrder(context)), descending, bits, groups)
    case 'random': return selectAll(randomOrder(context.corpus, query.sort.seed, bits), groups)
    default: return selectIn(orders.cache.read(), false, bits, groups)
  }
}

function usageOrder ({ corpus, usage }: OrderContext): Uint32Array {
  const slots = corpus.orders.plain.read()
  const counts = usage.read()
  const keys = new Uint32Array(slots.length)
  for (let i = 0; i < slots.length; i++) keys[i] = counts[slots[i] as number] as number
  return radixSort(slots, keys)
}

/** By how many local versions there are; models that are no version of anything come first. */
function versionsOrder (context: OrderContext): Uint32Array {
  const groups = groupsOf(context)
  const slots = context.corpus.orders.plain.read()
  const keys = new Uint32Array(slots.length)
  for (let i = 0; i < slots.length; i++) keys[i] = versionCount(groups, slots[i] as number) ?? 0
  return radixSort(slots, keys)
}

/** By hash of seed and path, so that a model that comes or goes moves no other. */
function randomOrder ({ paths, live }: Corpus, seed: string, bits: BitSet | null): SpreadOrder {
  return spreadOrder(bits ?? live, paths.keys(), textHash(seed || 'random'))
}

/** The local versions of one model, newest first. */
function localVersions (corpus: Corpus, key: string, bits: BitSet | null): Selection {
  const code = corpus.groupCode(key)
  const slots: number[] = []
  if (code !== 0) {
    for (let slot = corpus.groups.first(integerHash(code)); slot >= 0; slot = corpus.groups.next(slot)) {
      if (corpus.columns.group[slot] === code && (!bits || hasBit(bits, slot))) slots.push(slot)
    }
  }
  return selectIn(Uint32Array.from(slots.sort((a, b) => compareNewest(corpus, a, b))), false, null)
}
