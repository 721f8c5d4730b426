import { stat } from 'node:fs/promises'
import { parentPort } from 'node:worker_threads'
import { DomainError } from '../errors.ts'
import type { PendingCounts } from './count-needed.ts'
import { namesIn } from './folder-files.ts'
import { createHashSet, type HashSet } from './hash-set.ts'
import { isModelHash } from './model-hash.ts'
import type { ExamplePlace } from './places.ts'
import { progressDocument, progressPaths } from './progress-file.ts'

/** `digests`: what models have as their SHA-256, 32 bytes each. They are handed over. */
export interface NeededTask { place: ExamplePlace, digests: readonly Uint8Array<ArrayBuffer>[] }
export type NeededMessage = { counts: PendingCounts } | { away: string } | { failed: string }

/** What was read for a place: what needs nothing more. `state`: of the folders and files that it was read from. */
interface Settled { state: string, hashes: HashSet, processed: number, failed: number }

/** A place that was changed so short ago may change again without another time of change; network disks count in steps of two seconds. */
const RESTLESS_NS = 3_000_000_000n
const NS_PER_MS = 1_000_000n
let known: Settled | undefined

async function count ({ place, digests }: NeededTask): Promise<PendingCounts> {
  const state = await stateOf(place)
  if (known === undefined || known.state !== state) known = { state: state ?? '', ...await readSettled(place) }
  const settled = known.hashes.copy()
  const counts = { processed_count: known.processed, failed_count: known.failed }
  if (state === undefined) known = undefined
  return { pending_count: digests.reduce((sum, bytes) => sum + settled.add(bytes), 0), ...counts }
}

/** What is there is told by the names in the folder of the library alone. */
async function readSettled (place: ExamplePlace): Promise<Omit<Settled, 'state'>> {
  const { processed_models: processed, failed_models: failed } = await progressDocument(place)
  const hashes = createHashSet()
  const [processedCount = 0, failedCount = 0] = [processed, failed].map((list) => {
    const sums = sumsIn(list)
    hashes.add(sums)
    return createHashSet().add(sums)
  })
  for (const folder of foldersOf(place)) hashes.add(sumsIn(await namesIn(folder)))
  return { hashes, processed: processedCount, failed: failedCount }
}

function sumsIn (list: unknown): Uint8Array {
  return Buffer.from(Array.isArray(list) ? list.filter(isModelHash).join('') : '', 'hex')
}

function foldersOf ({ root, prefix, formerPrefixes }: ExamplePlace): string[] {
  return [prefix, ...formerPrefixes].map((folder) => folder === '' ? root : `${root}/${folder}`)
}

/** Differs when anything that counts has changed; undefined when that can not be told. */
async function stateOf (place: ExamplePlace): Promise<string | undefined> {
  const before = BigInt(Date.now()) * NS_PER_MS - RESTLESS_NS
  const states: string[] = []
  for (const path of [...foldersOf(place), ...progressPaths(place)]) {
    const found = await stat(path, { bigint: true }).catch((error: NodeJS.ErrnoException) => error.code)
    if (typeof found === 'object' && found.mtimeNs > before) return undefined
    states.push(typeof found === 'object' ? [path, found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ') : `${path} ${found}`)
  }
  return states.join('\n')
}

const port = parentPort
if (port) {
  const answer = (message: NeededMessage): void => { port.postMessage(message) }
  port.on('message', (task: NeededTask | null) => {
    // Nobody has asked for a while.
    if (task === null) {
      port.close()
      return
    }
    count(task).then(
      (counts) => { answer({ counts }) },
      (error: unknown) => { answer(error instanceof DomainError ? { away: error.message } : { failed: error instanceof Error ? error.stack ?? error.message : String(error) }) }
    )
  })
}
