import { isDeepStrictEqual } from 'node:util'
import type { StateDatabase } from '../database/types.ts'
import { readObject, readTexts } from '../models/read-value.ts'
import type { MetadataSource } from '../providers/types.ts'
import type { UserEdits } from './merge.ts'

/** Who gave a field its value. `sidecar`: it stood there, nobody knows from whom; `header`: read from the file. */
export type FieldSource = 'user' | 'sidecar' | 'header' | 'civitai' | 'archive'

/** `value` is null where it was too long to keep. */
export interface FieldValue { value: unknown, source: FieldSource, at: string }

export interface FieldHistory extends FieldValue { field: string, earlier: FieldValue[] }

/** Tracked fields of a document, by name. */
export type FieldSnapshot = ReadonlyMap<string, unknown>

export interface Provenance {
  /** Notes what an edit or a sync changed between two snapshots. */
  record (modelId: string, before: FieldSnapshot, after: FieldSnapshot, source: FieldSource): void
  /** Every field that is known of, with its value and where it comes from; those without a record come from the sidecar. */
  history (modelId: string, document: Record<string, unknown>): FieldHistory[]
  edits (modelId: string | undefined): UserEdits
}

const FIELDS = [
  'model_name', 'base_model', 'tags', 'modelDescription', 'notes', 'trainedWords', 'usage_tips', 'favorite', 'exclude', 'skip_metadata_refresh', 'preview_url', 'preview_nsfw_level',
  'hf_url', 'from_civitai', 'civitai_deleted', 'metadata_source', 'autov3', 'sub_type'
] as const
const CIVITAI_FIELDS = ['id', 'modelId', 'name', 'baseModel', 'trainedWords', 'description'] as const
const MOST_VALUE = 65_536
const KEPT = 20

const steps = [`
  CREATE TABLE field_values (model_id TEXT NOT NULL, field TEXT NOT NULL, seq INTEGER NOT NULL, source TEXT NOT NULL, value TEXT, at INTEGER NOT NULL,
    PRIMARY KEY (model_id, field, seq)) WITHOUT ROWID;
`]

/** What provenance looks at, as deep as it is compared. */
export function fieldSnapshot (document: Record<string, unknown>): FieldSnapshot {
  const civitai = readObject(document.civitai) ?? {}
  const found = new Map<string, unknown>()
  for (const field of FIELDS) if (document[field] !== undefined) found.set(field, structuredClone(document[field]))
  for (const field of CIVITAI_FIELDS) if (civitai[field] !== undefined) found.set(`civitai.${field}`, structuredClone(civitai[field]))
  const creator = readObject(civitai.creator)?.username
  if (creator !== undefined) found.set('civitai.creator', creator)
  return found
}

export function fieldSourceOf (source: MetadataSource): FieldSource {
  return source === 'civitai_api' ? 'civitai' : 'archive'
}

interface Row { field: string, seq: number, source: FieldSource, value: string | null, at: number }

/** In the state database: what a user edited can't be found out anew. */
export function createProvenance ({ state, now = Date.now }: { state: StateDatabase, now?: () => number }): Provenance {
  state.migrate('provenance', steps)
  const { db } = state
  const read = db.prepare<[string], Row>('SELECT field, seq, source, value, at FROM field_values WHERE model_id = ? ORDER BY field, seq')
  const readField = db.prepare<[string, string], Row>('SELECT field, seq, source, value, at FROM field_values WHERE model_id = ? AND field = ? ORDER BY seq')
  const add = db.prepare('INSERT INTO field_values (model_id, field, seq, source, value, at) VALUES (?, ?, ?, ?, ?, ?)')
  const forget = db.prepare('DELETE FROM field_values WHERE model_id = ? AND field = ? AND seq <= ?')

  const recordAll = db.transaction((modelId: string, changes: readonly { field: string, before: unknown, after: unknown }[], source: FieldSource) => {
    for (const { field, before, after } of changes) {
      const last = readField.all(modelId, field).at(-1)
      let seq = last ? last.seq + 1 : 1
      const former = stored(before)
      // Somebody else changed it since, or it is the first that is known.
      if (before !== undefined && last?.value !== former) add.run(modelId, field, seq++, 'sidecar', former, now())
      add.run(modelId, field, seq, source, stored(after), now())
      if (seq > KEPT) forget.run(modelId, field, seq - KEPT)
    }
  })

  return {
    record (modelId, before, after, source) {
      const fields = new Set([...before.keys(), ...after.keys()])
      const changes = [...fields].map((field) => ({ field, before: before.get(field), after: after.get(field) })).filter((one) => !isDeepStrictEqual(one.before, one.after))
      if (changes.length > 0) recordAll.immediate(modelId, changes, source)
    },
    history (modelId, document) {
      const byField = new Map<string, Row[]>()
      for (const row of read.all(modelId)) byField.set(row.field, [...byField.get(row.field) ?? [], row])
      const present = fieldSnapshot(document)
      return [...present.keys()].map((field) => {
        const rows = byField.get(field) ?? []
        const value = present.get(field)
        const last = rows.at(-1)
        if (!last || last.value !== stored(value)) return { field, value, source: 'sidecar', at: last ? shown(last).at : '', earlier: rows.map(shown).reverse() }
        return { field, value, source: last.source, at: shown(last).at, earlier: rows.slice(0, -1).map(shown).reverse() }
      })
    },
    edits (modelId) {
      if (modelId === undefined) return NO_EDITS
      return {
        isUsers (field, value) {
          const last = readField.all(modelId, field).at(-1)
          return last?.source === 'user' && last.value === stored(value)
        },
        removedWords (present) {
          const rows = readField.all(modelId, 'civitai.trainedWords')
          if (!rows.some(({ source }) => source === 'user')) return new Set()
          const removed = new Set<string>()
          rows.forEach((row, place) => {
            if (row.source !== 'user') return
            const own = new Set(wordsOf(row))
            for (const word of wordsOf(rows[place - 1])) if (!own.has(word)) removed.add(word)
            for (const word of own) removed.delete(word)
          })
          for (const word of present) removed.delete(word)
          return removed
        }
      }
    }
  }
}

const NO_EDITS: UserEdits = { isUsers: () => false, removedWords: () => new Set() }

function stored (value: unknown): string | null {
  if (value === undefined) return null
  const text = JSON.stringify(value)
  return text.length > MOST_VALUE ? null : text
}

function shown ({ value, source, at }: Row): FieldValue {
  return { value: value === null ? null : JSON.parse(value) as unknown, source, at: new Date(at).toISOString() }
}

function wordsOf (row: Row | undefined): string[] {
  return row?.value == null ? [] : readTexts(JSON.parse(row.value))
}
