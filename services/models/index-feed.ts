import { setImmediate as nextTurn } from 'node:timers/promises'
import { packedText } from './packed-model.ts'
import type { ModelIndex } from './ports.ts'
import type { ModelStore } from './store.ts'

/** Brings rows that were written into the index, in slices that leave the event loop free. */
export interface IndexFeed {
  push (upserted: readonly number[], removed?: readonly number[]): void
  /**
   * Marks a path whose row this thread wrote itself. While a scan runs, what the scan wrote of it may be older:
   * such a row is never shown but described anew.
   */
  touch (filePath: string): void
  beginScan (): void
  /** Resolves when what the scan told is in the index. */
  endScan (): Promise<void>
  /** Resolves when everything pushed so far is in the index. */
  idle (): Promise<void>
  close (): void
}

export interface IndexFeedDeps {
  store: ModelStore
  index: ModelIndex
  /** Roots that are configured; rows of others are not shown. */
  hasRoot (id: string): boolean
  /** Describes a touched path anew. */
  onStale (filePath: string): Promise<unknown>
  onError (error: unknown): void
}

/** Rows per slice at first, and how long a slice may take in milliseconds. */
const SLICE = 200
const MOST = 2000
const SLICE_MS = 4

export function createIndexFeed ({ store, index, hasRoot, onStale, onError }: IndexFeedDeps): IndexFeed {
  let upserted: number[] = []
  let removed: number[] = []
  const touched = new Set<string>()
  let scanning = false
  let running: Promise<void> | null = null

  const isTouched = (packed: string): boolean => touched.size > 0 && touched.has(packedText(packed, 'file_path'))

  async function drain (): Promise<void> {
    let limit = SLICE
    while (upserted.length > 0 || removed.length > 0) {
      const begun = performance.now()
      const ids = upserted.splice(0, limit)
      const gone = removed
      removed = []
      const rows = store.loadPacked(index.type.name, ids)
      const present = new Set(rows.map((row) => row.id))
      const shown = rows.filter(({ packed }) => hasRoot(packedText(packed, 'root_id')) && !isTouched(packed))
      for (const id of ids) if (!present.has(id)) gone.push(id)
      index.apply({ upsert: shown, remove: gone.filter((id) => index.byId(id) !== undefined) })
      if (ids.length === limit) limit = Math.max(50, Math.min(MOST, Math.round(limit * SLICE_MS / Math.max(performance.now() - begun, 0.1))))
      for (const { packed } of rows) if (isTouched(packed)) await onStale(packedText(packed, 'file_path'))
      await nextTurn()
    }
  }

  function start (): void {
    running ??= drain().catch(onError).finally(() => {
      running = null
      if (upserted.length > 0 || removed.length > 0) start()
    })
  }

  async function idle (): Promise<void> {
    if (!running) return
    await running
    await idle()
  }

  return {
    push (ids, gone = []) {
      for (const id of ids) upserted.push(id)
      for (const id of gone) removed.push(id)
      if (upserted.length > 0 || removed.length > 0) start()
    },
    touch (filePath) {
      if (scanning) touched.add(filePath)
    },
    beginScan () {
      scanning = true
      index.bulk(true)
    },
    async endScan () {
      await idle()
      await index.prepareNames()
      index.bulk(false)
      scanning = false
      touched.clear()
    },
    idle,
    close () {
      upserted = []
      removed = []
    }
  }
}
