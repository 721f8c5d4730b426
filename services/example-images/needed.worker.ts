import { parentPort, workerData } from 'node:worker_threads'
import { DomainError } from '../errors.ts'
import type { PendingCounts } from './count-needed.ts'
import { namesIn } from './folder-files.ts'
import type { ExamplePlace } from './places.ts'
import { createProgressFile } from './progress-file.ts'

/** `hashes`: SHA-256 of models, 64 digits each, behind one another. */
export interface NeededTask { place: ExamplePlace, hashes: readonly string[] }
export type NeededMessage = { counts: PendingCounts } | { away: string } | { failed: string }

const DIGITS = 64

/** What is there is told by the names in the folder of the library alone. */
async function count ({ place, hashes }: NeededTask): Promise<PendingCounts> {
  const { root, prefix, formerPrefixes } = place
  const { processed, failed } = await createProgressFile().read(place)
  const present = new Set<string>()
  for (const folder of [prefix, ...formerPrefixes]) for (const name of await namesIn(folder === '' ? root : `${root}/${folder}`) ?? []) present.add(name)
  const pending = new Set<string>()
  for (const text of hashes) {
    for (let at = 0; at < text.length; at += DIGITS) {
      const hash = text.slice(at, at + DIGITS)
      if (!present.has(hash) && !processed.has(hash) && !failed.has(hash)) pending.add(hash)
    }
  }
  return { pending_count: pending.size, processed_count: processed.size, failed_count: failed.size }
}

const port = parentPort
if (port) {
  const answer = (message: NeededMessage): void => { port.postMessage(message) }
  count(workerData as NeededTask).then(
    (counts) => { answer({ counts }) },
    (error: unknown) => { answer(error instanceof DomainError ? { away: error.message } : { failed: error instanceof Error ? error.stack ?? error.message : String(error) }) }
  )
}
