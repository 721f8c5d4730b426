import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { longestMatchingRoot } from '../files/safe-path.ts'
import type { Root } from '../files/types.ts'
import type { Pulse } from '../workers/pulse.ts'
import { sidecarPath } from './sidecar-file.ts'
import type { ModelStore } from './store.ts'
import type { ModelTypeName } from './types.ts'

type Sidecar = Parameters<ModelStore['keep']>[0][number]

const ROWS = 500
/** Bytes per transaction. */
const MOST_BYTES = 4 * 1024 * 1024

/**
 * Takes in the sidecars that a first scan only read: their bytes are ten times the rows, and nobody should wait for
 * them to see a list. What cannot be read now is left for the next time. False when it was stopped.
 */
export function keepSidecars (store: ModelStore, type: ModelTypeName, roots: readonly Root[], pulse: Pulse): boolean {
  let after = 0
  let queue: Sidecar[] = []
  let bytes = 0
  const flush = (): void => {
    if (queue.length > 0) store.keep(queue)
    queue = []
    bytes = 0
  }
  for (;;) {
    const rows = store.unkept(type, after, ROWS)
    for (const { id, file_path: path } of rows) {
      after = id
      const root = longestMatchingRoot(roots, path)
      if (!root) continue
      if (!pulse.beat(roots.indexOf(root))) {
        flush()
        return false
      }
      const sidecar = readSidecar(id, sidecarPath(path))
      if (!sidecar) continue
      queue.push(sidecar)
      bytes += sidecar.size
      if (bytes > MOST_BYTES) flush()
    }
    if (rows.length < ROWS) break
  }
  flush()
  return true
}

function readSidecar (id: number, path: string): Sidecar | undefined {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch {
    // gone or out of reach: the scan that notices it reads it anew
    return undefined
  }
  try {
    const { size, mtimeMs } = fstatSync(file)
    return { id, size, mtimeMs, bytes: readFileSync(file) }
  } catch {
    return undefined
  } finally {
    closeSync(file)
  }
}
