import { createSortOrder } from './sort-order.ts'
import type { SortOrder } from './sort-order.ts'
import type { Columns } from './columns.ts'
import { filePathOf } from './model-path.ts'
import { naturalKey, plainKey } from '../natural-key.ts'
import type { IndexedModel } from '../entry.ts'
import type { IndexPreferences } from '../ports.ts'

export type NameDisplay = IndexPreferences['nameDisplay']

/** The orders that lists are read from. */
export interface Orders {
  /** As the library was read: by row id. */
  readonly cache: SortOrder
  /** By name, lower-cased, then path; ties of counts come in this order. */
  readonly plain: SortOrder
  readonly date: SortOrder
  readonly size: SortOrder
  /** Natural order of the name that is displayed. */
  readonly name: Record<NameDisplay, SortOrder>
  /** A model came or took the place of another. */
  update (slot: number, former: IndexedModel | undefined, model: IndexedModel): void
  drop (slot: number): void
  /** Brings what is in use up to date, in slices; `first` is built when it is not in use yet. */
  settle (display?: NameDisplay): Promise<void>
}

interface Source {
  columns: Columns
  slots (): Uint32Array
  isLive (slot: number): boolean
  model (slot: number): IndexedModel | undefined
}

const compareTexts = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0

export function createOrders (source: Source): Orders {
  const { columns, slots, isLive, model } = source
  const byId = (a: number, b: number): number => (columns.id[a] as number) - (columns.id[b] as number)
  const pathOf = (slot: number): string => {
    const one = model(slot)
    return one ? filePathOf(one) : ''
  }
  const displayed = (slot: number, display: NameDisplay): string => {
    const one = model(slot)
    if (!one) return ''
    return (display === 'model_name' ? one.model_name || one.file_name : one.file_name || one.model_name) ?? ''
  }

  const plainNames = createSortTexts(columns, (slot) => plainKey(displayed(slot, 'model_name')))
  const plainPaths = createSortTexts(columns, (slot) => plainKey(pathOf(slot)))
  const naturalPaths = createSortTexts(columns, (slot) => naturalKey(pathOf(slot)))
  const byPlainName = (a: number, b: number): number =>
    compareTexts(plainNames.of(a), plainNames.of(b)) || compareTexts(plainPaths.of(a), plainPaths.of(b)) || byId(a, b)
  const by = (column: 'modified' | 'size') => (a: number, b: number): number =>
    (columns[column][a] as number) - (columns[column][b] as number) || byPlainName(a, b)

  const cache = createSortOrder({ compare: byId, slots, isLive })
  const plain = createSortOrder({
    compare: byPlainName,
    slots,
    isLive,
    sorting: (active) => {
      plainNames.keep(active)
      plainPaths.keep(active)
    }
  })
  const date = createSortOrder({ compare: by('modified'), slots, isLive })
  const size = createSortOrder({ compare: by('size'), slots, isLive })

  const createNameOrder = (display: NameDisplay): SortOrder => {
    const keys: string[] = []
    return createSortOrder({
      compare: (a, b) => compareTexts(keys[a] as string, keys[b] as string) ||
        compareTexts(naturalPaths.of(a), naturalPaths.of(b)) || byId(a, b),
      sorting: naturalPaths.keep,
      load: (slot) => {
        // Without gaps: a sparse array is several times slower.
        while (keys.length < slot) keys.push('')
        keys[slot] = naturalKey(displayed(slot, display))
      },
      slots,
      isLive
    })
  }
  const name = { model_name: createNameOrder('model_name'), file_name: createNameOrder('file_name') }
  const all = [cache, name.model_name, name.file_name, plain, date, size]

  const touchAll = (slot: number): void => {
    for (const texts of [plainNames, plainPaths, naturalPaths]) texts.forget(slot)
    for (const order of all) order.touch(slot)
  }

  return {
    cache,
    plain,
    date,
    size,
    name,
    update: (slot, former, one) => {
      if (!former || former === one || namesDiffer(former, one)) {
        touchAll(slot)
        return
      }
      if (former.modified !== one.modified) date.touch(slot)
      if (former.size !== one.size) size.touch(slot)
    },
    drop: touchAll,
    settle: async (display) => {
      for (const order of all) {
        const wanted = display !== undefined && (order === name[display] || (order !== name.model_name && order !== name.file_name))
        if (wanted || order.built) await order.settle()
      }
    }
  }
}

/** Texts that a comparison needs, made anew each time, or kept while many slots are sorted. */
interface SortTexts {
  of (slot: number): string
  keep (active: boolean): void
  forget (slot: number): void
}

function createSortTexts (columns: Columns, make: (slot: number) => string): SortTexts {
  let kept: (string | undefined)[] | null = null
  return {
    of: (slot) => {
      if (!kept) return make(slot)
      const known = kept[slot]
      if (known !== undefined) return known
      const text = make(slot)
      if (slot < kept.length) kept[slot] = text
      return text
    },
    keep: (active) => { kept = active ? new Array(columns.capacity) : null },
    forget: (slot) => { if (kept && slot < kept.length) kept[slot] = undefined }
  }
}

/** Names and path decide every order, if only between equals. */
function namesDiffer (a: IndexedModel, b: IndexedModel): boolean {
  return a.model_name !== b.model_name || a.file_name !== b.file_name || a.file_path !== b.file_path
}
