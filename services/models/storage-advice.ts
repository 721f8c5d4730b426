import { setImmediate as nextTurn } from 'node:timers/promises'
import { ConflictError, DomainError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { startWorker } from '../workers/start-worker.ts'
import type { IndexedModel } from './entry.ts'
import type { ModelLibrary } from './ports.ts'
import { storageKinds, type StorageKind } from './storage-findings.ts'
import type { StorageMessage, StorageReport, StorageSlice, StorageSummary, StorageTask } from './storage-messages.ts'

export interface StoragePage {
  /** UTF-8 JSON of an array of findings, see `StorageFinding`. */
  items: Buffer
  /** Id of the last finding of the page when there are more. */
  next: string | null
  summary: StorageSummary[]
  usageKnown: boolean
  unread: number
  /** ISO 8601 UTC */
  computedAt: string
}

export interface StorageAdvice {
  /**
   * What could be freed, those findings first that free most. Computed in a thread when models have changed since.
   * @throws ConflictError when `after` names a finding that is not there any more; DomainError `unavailable` when a disk does not answer
   */
  page (options: { kind?: StorageKind | undefined, limit: number, after?: string | undefined }): Promise<StoragePage>
}

export interface StorageAdviceDeps {
  libraries: readonly Pick<ModelLibrary, 'type' | 'index' | 'rootStatus'>[]
  stateFile: string
  usageFile: string
  dotDirectories (): boolean
  mediaFolders (): string[]
  logger: Pick<Logger, 'error'>
  now (): number
}

interface Advice { key: string, computedAt: number, report: StorageReport }

/** What lies beside the models may change without a model changing. */
const FRESH_MS = 60_000
const GIVE_UP_MS = 120_000
const SLICE = 1000
const ID_LENGTH = 16

export function createStorageAdvice (deps: StorageAdviceDeps): StorageAdvice {
  let last: Advice | undefined
  let running: Promise<Advice> | undefined

  const key = (): string => deps.libraries.map(({ index }) => index.version).join(' ')

  async function compute (): Promise<Advice> {
    const mine = key()
    const roots = deps.libraries.flatMap((library) => library.rootStatus()).filter(({ state }) => state === 'online')
    const online = new Set(roots.map(({ id }) => id))
    const { stateFile, usageFile } = deps
    const report = await runThread({ roots: roots.map(({ path }) => ({ path })), stateFile, usageFile, dotDirectories: deps.dotDirectories(), mediaFolders: deps.mediaFolders() }, rowSlices(deps.libraries, online), deps.logger)
    return { key: mine, computedAt: deps.now(), report }
  }

  async function current (paging: boolean): Promise<Advice> {
    // Further pages come from the findings that the first one was cut from.
    if (last && (paging || (last.key === key() && deps.now() - last.computedAt < FRESH_MS))) return last
    running ??= compute().finally(() => { running = undefined })
    last = await running
    return last
  }

  return {
    async page ({ kind, limit, after }) {
      const { report, computedAt } = await current(after !== undefined)
      const { items, next } = cut(report, kind, limit, after)
      return { items, next, summary: report.summary, usageKnown: report.usageKnown, unread: report.unread, computedAt: new Date(computedAt).toISOString() }
    }
  }
}

function cut ({ json, offsets, kinds, ids }: StorageReport, kind: StorageKind | undefined, limit: number, after: string | undefined): Pick<StoragePage, 'items' | 'next'> {
  const names = Buffer.from(ids.buffer, ids.byteOffset, ids.byteLength)
  const parts: Uint8Array[] = [Buffer.from('[')]
  let last = -1
  for (let index = after === undefined ? 0 : indexOfId(names, after) + 1; index < kinds.length; index++) {
    if (kind !== undefined && storageKinds[kinds[index] ?? -1] !== kind) continue
    // Each finding but the first brings its comma.
    const pieces = (parts.length - 1) / 2
    if (pieces >= limit) return { items: Buffer.concat([...parts, Buffer.from(']')]), next: names.toString('latin1', last * ID_LENGTH, (last + 1) * ID_LENGTH) }
    parts.push(Buffer.from(pieces === 0 ? '' : ','), json.subarray(offsets[index], offsets[index + 1]))
    last = index
  }
  return { items: Buffer.concat([...parts, Buffer.from(']')]), next: null }
}

function indexOfId (names: Buffer, id: string): number {
  for (let at = id.length === ID_LENGTH ? names.indexOf(id, 0, 'latin1') : -1; at >= 0; at = names.indexOf(id, at + 1, 'latin1')) {
    if (at % ID_LENGTH === 0) return at / ID_LENGTH
  }
  throw new ConflictError('The advice has changed since; start over with its first page', 'page-gone')
}

function * rowSlices (libraries: StorageAdviceDeps['libraries'], online: ReadonlySet<string>): Generator<StorageSlice> {
  let slice: StorageSlice[number][] = []
  for (const { index } of libraries) {
    for (const models of [index.entries(), index.excluded()]) {
      for (const model of models) {
        if (online.has(model.root_id)) slice.push(rowOf(model))
        if (slice.length < SLICE) continue
        yield slice
        slice = []
      }
    }
  }
  if (slice.length > 0) yield slice
}

function rowOf ({ type, file_path: path, sha256, autov3, base_model: base, model_name: title, civitai, favorite }: IndexedModel): StorageSlice[number] {
  return { type, path, sha256, claimedAutov3: autov3 ?? '', base, title, modelId: civitai?.modelId ?? 0, versionId: civitai?.id ?? 0, favorite }
}

async function runThread (task: StorageTask, slices: Iterable<StorageSlice>, logger: Pick<Logger, 'error'>): Promise<StorageReport> {
  const worker = startWorker(new URL('./storage-advice.worker', import.meta.url), { workerData: task })
  worker.unref()
  const ended = new Promise<StorageReport>((resolve, reject) => {
    const unavailable = (message: string): DomainError => new DomainError('unavailable', 'storage-not-read', message)
    const late = setTimeout(() => { reject(unavailable('A model folder does not answer; try again when its disk does')) }, GIVE_UP_MS)
    late.unref()
    worker.once('message', (message: StorageMessage) => {
      clearTimeout(late)
      if ('report' in message) return resolve(message.report)
      logger.error({ err: new Error(message.failed) }, 'the storage could not be looked through')
      reject(unavailable('The model folders could not be looked through'))
    })
    worker.once('error', reject)
    worker.once('exit', () => { clearTimeout(late); reject(unavailable('The model folders could not be looked through')) })
  })
  ended.catch(() => undefined)
  try {
    for (const slice of slices) {
      worker.postMessage(slice)
      await nextTurn()
    }
    worker.postMessage([])
    return await ended
  } finally {
    // A thread that sits in a call to a hanging disk ends when the call returns.
    worker.terminate().catch((error: unknown) => { logger.error({ err: error }, 'a thread could not be ended') })
  }
}
