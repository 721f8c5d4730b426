export type CompareEntries<T> = (a: T, b: T) => number

/** The best few of many, without sorting the rest: a heap of those so far with the worst on top. */
export interface TopList<T> {
  readonly full: boolean
  /** The worst of those kept; only when full. */
  worst (): T
  offer (item: T): void
  sorted (): T[]
}

export function createTopList<T> (limit: number, compare: CompareEntries<T>): TopList<T> {
  const heap: T[] = []
  return {
    get full () { return heap.length >= limit },
    worst: () => heap[0] as T,
    offer: (item) => {
      if (heap.length < limit) {
        heap.push(item)
        raise(heap, compare)
      } else if (limit > 0 && compare(item, heap[0] as T) < 0) {
        heap[0] = item
        sink(heap, compare)
      }
    },
    sorted: () => heap.sort(compare)
  }
}

/** The first `limit` of the items in the given order; 0 means all. */
export function topEntries<T> (items: readonly T[], limit: number, compare: CompareEntries<T>): T[] {
  if (limit === 0 || limit >= items.length) return [...items].sort(compare)
  const top = createTopList(limit, compare)
  for (const item of items) top.offer(item)
  return top.sorted()
}

function raise<T> (heap: T[], compare: CompareEntries<T>): void {
  let place = heap.length - 1
  while (place > 0) {
    const parent = place - 1 >>> 1
    if (compare(heap[place] as T, heap[parent] as T) <= 0) return
    swap(heap, place, parent)
    place = parent
  }
}

function sink<T> (heap: T[], compare: CompareEntries<T>): void {
  let place = 0
  for (;;) {
    let worst = place
    for (let child = place * 2 + 1; child <= place * 2 + 2 && child < heap.length; child++) {
      if (compare(heap[child] as T, heap[worst] as T) > 0) worst = child
    }
    if (worst === place) return
    swap(heap, place, worst)
    place = worst
  }
}

function swap<T> (heap: T[], a: number, b: number): void {
  const item = heap[a] as T
  heap[a] = heap[b] as T
  heap[b] = item
}
