import { parentPort, workerData } from 'node:worker_threads'
import { DomainError } from '../errors.ts'
import type { PendingCounts } from './count-needed.ts'
import { namesIn } from './folder-files.ts'
import { createHashSet } from './hash-set.ts'
import { isModelHash } from './model-hash.ts'
import type { ExamplePlace } from './places.ts'
import { progressDocument } from './progress-file.ts'

/** `hashes`: what models have as their SHA-256, 64 characters each, behind one another. */
export interface NeededTask { place: ExamplePlace, hashes: readonly string[] }
export type NeededMessage = { counts: PendingCounts } | { away: string } | { failed: string }

const onlyDigits = /^[0-9a-f]*$/i
const digitsOf = (list: unknown): string => Array.isArray(list) ? list.filter(isModelHash).join('') : ''

/** What is there is told by the names in the folder of the library alone. */
async function count ({ place, hashes }: NeededTask): Promise<PendingCounts> {
  const { root, prefix, formerPrefixes } = place
  const { processed_models: processed, failed_models: failed } = await progressDocument(place)
  const settled = createHashSet()
  const counts = [processed, failed].map((list) => {
    const digits = digitsOf(list)
    settled.add(digits)
    return createHashSet().add(digits)
  })
  for (const folder of [prefix, ...formerPrefixes]) settled.add(digitsOf(await namesIn(folder === '' ? root : `${root}/${folder}`)))
  const pending = hashes.reduce((sum, text) => sum + settled.add(onlyDigits.test(text) ? text : digitsOf(text.match(/.{64}/gs))), 0)
  return { pending_count: pending, processed_count: counts[0] ?? 0, failed_count: counts[1] ?? 0 }
}

const port = parentPort
if (port) {
  const answer = (message: NeededMessage): void => { port.postMessage(message) }
  count(workerData as NeededTask).then(
    (counts) => { answer({ counts }) },
    (error: unknown) => { answer(error instanceof DomainError ? { away: error.message } : { failed: error instanceof Error ? error.stack ?? error.message : String(error) }) }
  )
}
