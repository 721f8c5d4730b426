import { stat } from 'node:fs/promises'
import type { HashPool } from '../hashing/pool.ts'
import type { HashLedger } from './hash-ledger.ts'
import type { ModelStore } from './store.ts'
import type { ModelType } from './types.ts'

export interface TensorHashDeps {
  type: ModelType
  store: Pick<ModelStore, 'find' | 'setHash'>
  ledger: Pick<HashLedger, 'find' | 'put'>
  pool: Pick<HashPool, 'hash'>
  /** The row of a path was written: brings it into the index. */
  onHashed (filePath: string): void
}

/** AutoV3 of a model: as it is known, else computed from its file and kept, so that it is read for this once. "" without one. */
export const tensorHash = ({ type, store, ledger, pool, onHashed }: TensorHashDeps) => async (path: string, signal?: AbortSignal): Promise<string> => {
  const row = store.find(type.name, path)
  if (!row || row.autov3) return row?.autov3 ?? ''
  const { size, mtimeMs, dev, ino } = await stat(path)
  const file = { path, size, mtimeMs, dev, ino }
  const known = ledger.find(file)
  if (known?.autov3) return keep(known.sha256, known.autov3, file)
  const computed = await pool.hash(path, { signal, alsoTensorHash: true })
  const read = { ...file, size: computed.size, mtimeMs: computed.mtimeMs }
  ledger.put(read, { sha256: computed.sha256, autov3: computed.tensorHash })
  return keep(computed.sha256, computed.tensorHash, read)

  function keep (sha256: string, autov3: string | null, { size, mtimeMs }: { size: number, mtimeMs: number }): string {
    // the row may have been written anew while the file was read
    const current = store.find(type.name, path)
    if (current && store.setHash(current.id, { sha256, autov3: autov3 ?? '', hash_status: 'completed' }, { size, mtimeMs })) onHashed(path)
    return autov3 ?? ''
  }
}
