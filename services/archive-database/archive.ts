import type { Database } from 'better-sqlite3'
import { statSync } from 'node:fs'
import { fit } from '../civitai/fit.ts'
import { CivitaiVersion, type CivitaiVersionDocument } from '../civitai/schema.ts'
import type { EnrichedVersion, Outcome } from '../civitai/types.ts'
import { isObject, readText } from '../models/read-value.ts'
import type { MetadataProvider } from '../providers/types.ts'

export interface ArchiveDeps {
  /** Where the database may lie, best place first. */
  files: readonly string[]
  /** Opens read only. */
  open: (file: string) => Database
  enabled: () => boolean
  warn: (message: string, error: unknown) => void
}

export interface Archive extends MetadataProvider {
  /** The file in use, null without one. */
  file (): string | null
  close (): void
}

interface ModelRow { id: number, name: string | null, type: string | null, username: string | null, data: string | null }
interface VersionRow { id: number, model_id: number, name: string | null, base_model: string | null, data: string | null }

const notFound = { kind: 'not-found' } as const

/** The offline archive: a database made elsewhere, only ever read. */
export function createArchive ({ files, open, enabled, warn }: ArchiveDeps): Archive {
  let opened: { db: Database, stamp: string } | null = null

  function place (): { file: string, stamp: string } | null {
    for (const file of files) {
      const stat = statSync(file, { throwIfNoEntry: false })
      if (stat?.isFile()) return { file, stamp: `${file} ${stat.size} ${stat.mtimeMs} ${stat.ino}` }
    }
    return null
  }

  function close (): void {
    opened?.db.close()
    opened = null
  }

  /** Opened again when another file took its place. */
  function database (): Database | null {
    const found = place()
    if (!found) close()
    else if (opened?.stamp !== found.stamp) {
      close()
      opened = { db: open(found.file), stamp: found.stamp }
    }
    return opened?.db ?? null
  }

  function read<T> (look: (db: Database) => T | null): Outcome<T> {
    try {
      const db = database()
      if (!db) return { kind: 'unavailable', offline: false, message: 'There is no archive database' }
      const value = look(db)
      return value === null ? notFound : { kind: 'found', value }
    } catch (error) {
      warn('the archive database could not be read', error)
      return { kind: 'unavailable', offline: false, message: 'The archive database could not be read' }
    }
  }

  const one = (db: Database, versionId: number): EnrichedVersion | null => {
    const row = db.prepare<[number], VersionRow>('SELECT id, model_id, name, base_model, data FROM model_versions WHERE id = ?').get(versionId)
    const version = row && readVersion(db, row, modelRow(db, row.model_id))
    return version ? { version, complete: true } : null
  }

  return {
    name: 'sqlite',
    source: 'archive_db',
    enabled: () => enabled() && place() !== null,
    file: () => place()?.file ?? null,
    close,
    versionByHash: async (sha256) => read((db) => {
      const row = db.prepare<[string], { version_id: number }>('SELECT version_id FROM model_files WHERE sha256 = ?').get(sha256.toUpperCase())
      return row ? one(db, row.version_id) : null
    }),
    version: async ({ modelId, versionId }) => read((db) => {
      if (versionId === undefined) {
        const first = modelId === undefined ? undefined : db.prepare<[number], { id: number }>('SELECT id FROM model_versions WHERE model_id = ? ORDER BY position LIMIT 1').get(modelId)
        return first ? one(db, first.id) : null
      }
      const found = one(db, versionId)
      return modelId !== undefined && found?.version.modelId !== modelId ? null : found
    }),
    modelVersions: async (modelId) => read((db) => {
      const model = modelRow(db, modelId)
      const rows = db.prepare<[number], VersionRow>('SELECT id, model_id, name, base_model, data FROM model_versions WHERE model_id = ? ORDER BY position').all(modelId)
      const modelVersions = rows.map((row) => readVersion(db, row, model)).filter((version) => version !== null)
      return model && modelVersions.length > 0 ? { modelVersions, name: model.name ?? '', type: model.type ?? '' } : null
    })
  }
}

function modelRow (db: Database, id: number): ModelRow | undefined {
  return db.prepare<[number], ModelRow>('SELECT id, name, type, username, data FROM models WHERE id = ?').get(id)
}

function readVersion (db: Database, row: VersionRow, model: ModelRow | undefined): CivitaiVersionDocument | null {
  const data = objectOf(row.data)
  const about = objectOf(model?.data ?? null)
  const rows = db.prepare<[number], { data: string | null }>("SELECT data FROM model_files WHERE version_id = ? AND type = 'Model'").all(row.id)
  const files = rows.map(({ data: text }) => {
    const { modelId: _model, modelVersionId: _version, ...file } = objectOf(text)
    return file
  })
  return fit(CivitaiVersion, {
    id: row.id,
    modelId: row.model_id,
    name: row.name ?? '',
    baseModel: row.base_model,
    model: { name: model?.name ?? '', description: about.description ?? null, type: model?.type ?? '', tags: Array.isArray(about.tags) ? about.tags : [] },
    creator: { username: model?.username ?? '', image: readText(isObject(about.creator) ? about.creator.image : '') },
    ...data,
    files: [...Array.isArray(data.files) ? data.files : [], ...files],
    source: 'archive_db'
  })
}

/** An object of JSON text; anything else is an empty one. */
function objectOf (text: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '{}')
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}
