import { readFile, stat } from 'node:fs/promises'
import { isOwnTempName, writeFileAtomic } from '../files/atomic-write.ts'
import { createSlices } from '../jobs/slices.ts'
import { isObject } from '../models/read-value.ts'
import { isModelHash } from './model-hash.ts'
import type { ExamplePlace } from './places.ts'

export const PROGRESS_FILE = '.download_progress.json'
/** Names of files as this version knows them: counted from 0, the user's own ones apart. */
export const NAMING_VERSION = 2

/** Why a model is among the failed ones, as we note it; other programs keep the hash only. */
export interface FailureNote {
  reason: string
  /** Milliseconds since 1970. */
  at: number
  /** The CivitAI version that the model was known as. */
  version?: number
}

/** What is known of earlier runs, shared with other programs through `.download_progress.json` in the folder of a library. */
export interface ProgressRecord {
  processed: Set<string>
  /** null: noted by another program, which tells no reason. */
  failed: Map<string, FailureNote | null>
  rateLimited: Set<string>
  refreshed: Set<string>
  /** 0 where no marker says which names the files bear. */
  namingVersion: number
  /** Members that others put there, as they were. */
  rest: Record<string, unknown>
}

export interface ProgressFile {
  /** A missing or broken file is an empty record. The record may be shared: readers never change it. */
  read (place: ExamplePlace): Promise<ProgressRecord>
  write (place: ExamplePlace, record: ProgressRecord, counts: { completed: number, total: number }): Promise<void>
  /** Notes which names the files bear, and leaves the rest as it is. */
  mark (place: ExamplePlace, namingVersion: number): Promise<void>
}

const GONE = new Set(['ENOENT', 'ENOTDIR'])
const OWN_KEYS = new Set(['processed_models', 'failed_models', 'rate_limited_models', 'refreshed_models', 'failed_details', 'completed', 'total', 'last_update', 'naming_version'])

export function emptyRecord (): ProgressRecord {
  return { processed: new Set(), failed: new Map(), rateLimited: new Set(), refreshed: new Set(), namingVersion: 0, rest: {} }
}

/** A copy that a run may change. */
export function copyRecord (record: ProgressRecord): ProgressRecord {
  return { ...record, processed: new Set(record.processed), failed: new Map(record.failed), rateLimited: new Set(record.rateLimited), refreshed: new Set(record.refreshed) }
}

export function createProgressFile ({ now = Date.now }: { now?: () => number } = {}): ProgressFile {
  let known: { path: string, size: number, mtimeMs: number, record: ProgressRecord } | undefined

  async function readAt (path: string): Promise<ProgressRecord | undefined> {
    try {
      const { size, mtimeMs } = await stat(path)
      if (known?.path === path && known.size === size && known.mtimeMs === mtimeMs) return known.record
      const record = await recordFrom(await documentAt(path) ?? {})
      known = { path, size, mtimeMs, record }
      return record
    } catch (error) {
      if (GONE.has(String((error as NodeJS.ErrnoException).code))) return undefined
      throw error
    }
  }

  return {
    async read (place) {
      const [own, former] = progressPaths(place)
      return await readAt(own) ?? await readAt(former) ?? emptyRecord()
    },
    async write ({ libraryRoot }, record, { completed, total }) {
      const path = `${libraryRoot}/${PROGRESS_FILE}`
      const details = Object.fromEntries([...record.failed].filter(([, note]) => note !== null))
      const document = {
        ...record.rest,
        processed_models: [...record.processed],
        refreshed_models: [...record.refreshed],
        failed_models: [...record.failed.keys()],
        rate_limited_models: [...record.rateLimited],
        completed,
        total,
        last_update: now() / 1000,
        naming_version: record.namingVersion,
        failed_details: details
      }
      await writeFileAtomic(path, JSON.stringify(document, null, 2), { durable: false })
    },
    async mark (place, namingVersion) {
      const document = await progressDocument(place)
      await writeFileAtomic(`${place.libraryRoot}/${PROGRESS_FILE}`, JSON.stringify({ ...document, naming_version: namingVersion }, null, 2), { durable: false })
    }
  }
}

/** Where notes may stand; the first that is there counts. Before there were several libraries they lay in the root, where they stay for the others. */
export function progressPaths ({ root, libraryRoot }: ExamplePlace): [string, string] {
  return [`${libraryRoot}/${PROGRESS_FILE}`, `${root}/${PROGRESS_FILE}`]
}

/** The document as it stands; an empty one where there is none, or a broken one. */
export async function progressDocument (place: ExamplePlace): Promise<Record<string, unknown>> {
  const [own, former] = progressPaths(place)
  return await documentAt(own) ?? await documentAt(former) ?? {}
}

async function documentAt (path: string): Promise<Record<string, unknown> | undefined> {
  try {
    const document: unknown = JSON.parse(await readFile(path, 'utf8'))
    return isObject(document) ? document : {}
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    if (GONE.has(String((error as NodeJS.ErrnoException).code))) return undefined
    throw error
  }
}

async function recordFrom (document: Record<string, unknown>): Promise<ProgressRecord> {
  const details = isObject(document.failed_details) ? document.failed_details : {}
  const noteOf = (hash: string): FailureNote | null => {
    const note = details[hash]
    return isObject(note) && typeof note.reason === 'string' && typeof note.at === 'number'
      ? { reason: note.reason, at: note.at, ...(typeof note.version === 'number' && { version: note.version }) }
      : null
  }
  return {
    processed: await hashes(document.processed_models),
    failed: new Map([...await hashes(document.failed_models)].map((hash) => [hash, noteOf(hash)])),
    rateLimited: await hashes(document.rate_limited_models),
    refreshed: await hashes(document.refreshed_models),
    namingVersion: typeof document.naming_version === 'number' ? document.naming_version : 0,
    rest: Object.fromEntries(Object.entries(document).filter(([key]) => !OWN_KEYS.has(key)))
  }
}

/** Other versions wrote them in either case. There may be as many as models, so requests get their turn meanwhile. */
async function hashes (value: unknown): Promise<Set<string>> {
  const found = new Set<string>()
  const slice = createSlices()
  for (const hash of Array.isArray(value) ? value : []) {
    if (isModelHash(hash)) found.add(hash.toLowerCase())
    const turn = slice()
    if (turn) await turn
  }
  return found
}

/** Whether a file in a folder is left from a process that was killed: ours, and older than this one. */
export async function isLeftOver (path: string, name: string, startedAt: number): Promise<boolean> {
  if (!isOwnTempName(name)) return false
  const found = await stat(path).catch(() => undefined)
  return found !== undefined && found.mtimeMs < startedAt
}
