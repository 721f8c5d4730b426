import { stat } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { sha256Of } from '../civitai/file-choice.ts'
import type { CivitaiFileDocument } from '../civitai/schema.ts'
import type { CivitaiClient } from '../civitai/types.ts'
import type { StateDatabase } from '../database/types.ts'
import type { EditSidecar } from '../models/edit-sidecar.ts'
import type { IndexedModel } from '../models/entry.ts'
import type { ModelLibrary } from '../models/ports.ts'
import { isObject, readObject } from '../models/read-value.ts'
import type { ModelTypeName } from '../models/types.ts'
import type { CallOptions } from '../network/types.ts'
import type { Metadata } from './refresh-run.ts'

/**
 * Identities found by the AutoV3 of a file's header, which says nothing of the bytes behind it: a hint for files whose SHA-256
 * is not known yet. They are kept as unconfirmed until it is, then confirmed or withdrawn.
 */
export interface Hints {
  /** Asks for a file that is not hashed; true when an identity was written. */
  follow (metadata: Metadata, model: IndexedModel, options: CallOptions & { route: string }): Promise<boolean>
  isUnconfirmed (model: Pick<IndexedModel, 'type' | 'file_path'>): boolean
  /** Judges those whose SHA-256 is known by now. */
  settle (): Promise<void>
  moved (type: ModelTypeName, from: string, to: string): void
}

export interface HintDeps {
  state: StateDatabase
  civitai: Pick<CivitaiClient, 'enrichedByHash'>
  libraries: readonly ModelLibrary[]
  editSidecar: (type: ModelTypeName) => EditSidecar
  now: () => number
}

/** CivitAI states sizes in KiB, rounded. */
const SIZE_TOLERANCE = 1024
const FIELDS = ['civitai', 'model_name', 'base_model', 'tags', 'modelDescription', 'from_civitai', 'metadata_source', 'last_checked_at', 'autov3'] as const

const steps = [`
  CREATE TABLE metadata_unconfirmed (type TEXT NOT NULL, path TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (type, path)) WITHOUT ROWID;
`]

type Fields = Record<string, unknown>
interface Row { type: ModelTypeName, path: string, before: string, after: string }

export function createHints ({ state, civitai, libraries, editSidecar, now }: HintDeps): Hints {
  state.migrate('metadata-hints', steps)
  const { db } = state
  const find = db.prepare('SELECT 1 FROM metadata_unconfirmed WHERE type = ? AND path = ?').pluck()
  const all = db.prepare<[], Row>('SELECT type, path, before, after FROM metadata_unconfirmed')
  const put = db.prepare('INSERT OR REPLACE INTO metadata_unconfirmed (type, path, before, after, at) VALUES (?, ?, ?, ?, ?)')
  const drop = db.prepare('DELETE FROM metadata_unconfirmed WHERE type = ? AND path = ?')
  const move = db.prepare('UPDATE OR REPLACE metadata_unconfirmed SET path = ? WHERE type = ? AND path = ?')
  let settling: Promise<void> | null = null

  async function judge ({ type, path, before, after }: Row): Promise<void> {
    const library = libraries.find((one) => one.type.name === type)
    const model = library?.index.get(path)
    if (!library || !model || model.sha256 === '') return
    const files = readObject(library.sidecar(path)?.civitai)?.files
    const confirmed = Array.isArray(files) && files.filter(isObject).some((file) => sha256Of(file as CivitaiFileDocument) === model.sha256)
    if (!confirmed) await withdraw(type, path, JSON.parse(before) as Fields, JSON.parse(after) as Fields)
    drop.run(type, path)
  }

  /** What somebody changed since stays. */
  async function withdraw (type: ModelTypeName, path: string, before: Fields, after: Fields): Promise<void> {
    await editSidecar(type)({
      path,
      kind: 'sync',
      route: 'identify',
      summary: 'The file is not the one its header names',
      source: 'civitai',
      change (document) {
        for (const field of FIELDS) {
          if (!isDeepStrictEqual(document[field], after[field])) continue
          if (before[field] === undefined) delete document[field]
          else document[field] = before[field]
        }
      }
    })
  }

  return {
    async follow ({ sync }, model, { route, ...options }) {
      if (!model.autov3 || find.get(model.type, model.file_path) !== undefined) return false
      const outcome = await civitai.enrichedByHash(model.autov3, options)
      if (outcome.kind !== 'found') return false
      const { size } = await stat(model.file_path)
      if (!(outcome.value.version.files ?? []).some(({ sizeKB }) => Math.abs((sizeKB ?? -1) * 1024 - size) <= SIZE_TOLERANCE)) return false
      const before = fieldsOf(sync.library.sidecar(model.file_path))
      await sync.apply(model, { ...outcome.value, source: 'civitai_api' }, { route })
      put.run(model.type, model.file_path, JSON.stringify(before), JSON.stringify(fieldsOf(sync.library.sidecar(model.file_path))), now())
      return true
    },
    isUnconfirmed: ({ type, file_path: path }) => find.get(type, path) !== undefined,
    async settle () {
      settling ??= (async () => { for (const row of all.all()) await judge(row) })().finally(() => { settling = null })
      await settling
    },
    moved (type, from, to) { state.withoutWaiting(() => { move.run(to, type, from) }) }
  }
}

function fieldsOf (document: Fields | undefined): Fields {
  return Object.fromEntries(FIELDS.flatMap((field) => document?.[field] === undefined ? [] : [[field, document[field]]]))
}
