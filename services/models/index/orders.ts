import { createSortOrder } from './sort-order.ts'
import type { SortOrder } from './sort-order.ts'
import { createSortTexts } from './sort-texts.ts'
import type { SortTexts } from './sort-texts.ts'
import type { Columns } from './columns.ts'
import { compareNatural, comparePlain } from '../compare-texts.ts'
import { naturalKey, plainKey } from '../natural-key.ts'
import type { EntryFacts } from '../packed-model.ts'
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
  update (slot: number, former: EntryFacts | undefined, model: EntryFacts): void
  drop (slot: number): void
  /** Brings what is in use up to date, in slices; `first` is built when it is not in use yet. */
  settle (display?: NameDisplay): Promise<void>
  /** Brings only the order of names up to date; `likely`, an order that is nearly it, spares most of the work. */
  settleNames (display: NameDisplay, likely?: () => Uint32Array | null): Promise<void>
  /** Whether any order was asked for. */
  readonly inUse: boolean
}

interface Source {
  columns: Columns
  slots (): Uint32Array
  isLive (slot: number): boolean
  isBulk (): boolean
  text (slot: number, member: 'file_path' | 'file_name' | 'model_name'): string
}

export function createOrders (source: Source): Orders {
  const { columns, slots, isLive, isBulk, text } = source
  const byId = (a: number, b: number): number => (columns.id[a] as number) - (columns.id[b] as number)
  const pathOf = (slot: number): string => text(slot, 'file_path')
  const displayed = (slot: number, display: NameDisplay): string =>
    display === 'model_name' ? text(slot, 'model_name') || text(slot, 'file_name') : text(slot, 'file_name') || text(slot, 'model_name')

  const capacity = (): number => columns.capacity
  const plainNames = createSortTexts(capacity, (slot) => plainKey(displayed(slot, 'model_name')))
  const naturalNames = {
    model_name: createSortTexts(capacity, (slot) => naturalKey(displayed(slot, 'model_name'))),
    file_name: createSortTexts(capacity, (slot) => naturalKey(displayed(slot, 'file_name')))
  }
  const byPlainName = (a: number, b: number): number => plainNames.compare(a, b) || comparePlain(pathOf(a), pathOf(b)) || byId(a, b)
  const createOrder = (compare: (a: number, b: number) => number, ...texts: SortTexts[]): SortOrder => createSortOrder({
    compare,
    slots,
    isLive,
    isBulk,
    sorting: (slots) => { for (const one of texts) keepOrRelease(one, slots) }
  })
  const createNameOrder = (display: NameDisplay): SortOrder => {
    const names = naturalNames[display]
    const byPath = (a: number, b: number): number => compareNatural(pathOf(a), pathOf(b)) || byId(a, b)
    return createSortOrder({
      compare: (a, b) => names.compare(a, b) || byPath(a, b),
      compareOnce: (a, b) => compareNatural(displayed(a, display), displayed(b, display)) || byPath(a, b),
      slots,
      isLive,
      isBulk,
      sorting: (slots) => { keepOrRelease(names, slots) }
    })
  }
  const cache = createOrder(byId)
  const plain = createOrder(byPlainName, plainNames)
  /** By a number, equal ones by name: by their places in that order, where it is at hand. */
  const createNumberOrder = (column: 'modified' | 'size'): SortOrder => {
    let places: Uint32Array | null = null
    const byName = (a: number, b: number): number => places ? (places[a] as number) - (places[b] as number) : byPlainName(a, b)
    return createSortOrder({
      compare: (a, b) => (columns[column][a] as number) - (columns[column][b] as number) || byName(a, b),
      slots,
      isLive,
      isBulk,
      sorting: (slots) => {
        places = slots > 0 && plain.settled ? placesIn(plain.read(), columns.capacity) : null
        keepOrRelease(plainNames, slots)
      }
    })
  }
  const date = createNumberOrder('modified')
  const size = createNumberOrder('size')
  const name = { model_name: createNameOrder('model_name'), file_name: createNameOrder('file_name') }
  const all = [cache, name.model_name, name.file_name, plain, date, size]

  /** Natural and plain order differ little. */
  const likelyPlain = (): Uint32Array | null => name.model_name.settled ? name.model_name.read() : null

  const touchAll = (slot: number): void => {
    for (const texts of [plainNames, naturalNames.model_name, naturalNames.file_name]) texts.forget(slot)
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
    get inUse () { return all.some((order) => order.inUse) },
    settle: async (display) => {
      if (display !== undefined) await name[display].settle()
      for (const order of all) {
        const wanted = display !== undefined && order !== name.model_name && order !== name.file_name
        if (wanted || order.inUse) await order.settle(order === plain ? likelyPlain : undefined)
      }
    },
    settleNames: async (display, likely) => { await name[display].settle(likely) }
  }
}

/** No slots: the sort has ended. */
function keepOrRelease (texts: SortTexts, slots: number): void {
  if (slots > 0) texts.keep(slots)
  else texts.release()
}

function placesIn (order: Uint32Array, capacity: number): Uint32Array {
  const places = new Uint32Array(capacity)
  for (let i = 0; i < order.length; i++) places[order[i] as number] = i
  return places
}

/** Names and path decide every order, if only between equals. */
function namesDiffer (a: EntryFacts, b: EntryFacts): boolean {
  return a.model_name !== b.model_name || a.file_name !== b.file_name || a.file_path !== b.file_path
}
