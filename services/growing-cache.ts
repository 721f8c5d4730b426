import { LRUCache } from 'lru-cache'

/** Keeps the entries that were used last, `most` at the most. With the library's own `max` it would take all its room at the start. */
export function createGrowingCache<Value extends object | boolean> (most: number, options: Pick<LRUCache.Options<string, Value, unknown>, 'perf'> & { ttl?: number } = {}): LRUCache<string, Value> {
  return new LRUCache<string, Value>({ ...options, maxSize: most, sizeCalculation: () => 1 })
}
