import { stat } from 'node:fs/promises'
import type { HashPool } from '../hashing/pool.ts'
import type { HashLedger } from './hash-ledger.ts'

/** Hashes a file as it is now, whatever its row says, and remembers it. */
export const hashNow = ({ pool, ledger }: { pool: Pick<HashPool, 'hash'>, ledger: HashLedger }) => async (path: string, signal?: AbortSignal): Promise<string> => {
  const { dev, ino } = await stat(path)
  const { sha256, size, mtimeMs } = await pool.hash(path, { signal })
  const file = { path, size, mtimeMs, dev, ino }
  const known = ledger.find(file)
  ledger.put(file, { sha256, autov3: known?.sha256 === sha256 ? known.autov3 : null })
  return sha256
}
