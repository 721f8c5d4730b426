import { setImmediate as nextTurn } from 'node:timers/promises'
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

const SLICE = 200

export function createIndexFeed ({ store, index, hasRoot, onStale, onError }: IndexFeedDeps): IndexFeed {
  let upserted: number[] = []
  let removed: number[] = []
  const touched = new Set<string>()
  let scanning = false
  let running: Promise<void> | null = null

  async function drain (): Promise<void> {
    while (upserted.length > 0 || removed.length > 0) {
      const ids = upserted.splice(0, SLICE)
      const gone = removed
      removed = []
      const rows = store.loadIds(index.type.name, ids)
      const present = new Set(rows.map((row) => row.id))
      const shown = rows.filter((row) => hasRoot(row.root_id) && !touched.has(row.file_path))
      for (const id of ids) if (!present.has(id)) gone.push(id)
      index.apply({ upsert: shown, remove: gone.filter((id) => index.byId(id) !== undefined) })
      for (const row of rows) if (touched.has(row.file_path)) await onStale(row.file_path)
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
    beginScan () { scanning = true },
    async endScan () {
      await idle()
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
