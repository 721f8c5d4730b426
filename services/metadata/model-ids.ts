import { randomBytes } from 'node:crypto'
import type { StateDatabase } from '../database/types.ts'
import type { IndexedModel } from '../models/entry.ts'
import type { ModelLibrary } from '../models/ports.ts'
import type { ModelTypeName } from '../models/types.ts'

/** Ids of models that stay when files move or caches are rebuilt. */
export interface ModelIds {
  /** The model's id, made when it has none. */
  of (model: IndexedModel): string
  /** The id if there is one; makes none. */
  known (model: IndexedModel): string | undefined
  /** The model with the id, wherever it lies now. */
  find (id: string): { library: ModelLibrary, model: IndexedModel } | undefined
  moved (type: ModelTypeName, from: string, to: string): void
}

interface Row { id: string, type: ModelTypeName, path: string, sha256: string }

const steps = [`
  CREATE TABLE model_ids (id TEXT PRIMARY KEY, type TEXT NOT NULL, path TEXT NOT NULL, sha256 TEXT NOT NULL, created_at TEXT NOT NULL) WITHOUT ROWID;
  CREATE INDEX model_ids_by_path ON model_ids (type, path);
  CREATE INDEX model_ids_by_hash ON model_ids (type, sha256);
`]

export function createModelIds ({ state, libraries }: { state: StateDatabase, libraries: readonly ModelLibrary[] }): ModelIds {
  state.migrate('model-ids', steps)
  const { db } = state
  const readId = db.prepare<[string], Row>('SELECT id, type, path, sha256 FROM model_ids WHERE id = ?')
  const atPath = db.prepare<[string, string], Row>('SELECT id, type, path, sha256 FROM model_ids WHERE type = ? AND path = ? ORDER BY created_at DESC')
  const withHash = db.prepare<[string, string], Row>('SELECT id, type, path, sha256 FROM model_ids WHERE type = ? AND sha256 = ? ORDER BY created_at')
  const add = db.prepare('INSERT INTO model_ids (id, type, path, sha256, created_at) VALUES (?, ?, ?, ?, ?)')
  const place = db.prepare('UPDATE model_ids SET path = ?, sha256 = ? WHERE id = ?')
  const relocate = db.prepare('UPDATE model_ids SET path = ? WHERE type = ? AND path = ?')

  const libraryOf = (type: ModelTypeName): ModelLibrary | undefined => libraries.find((library) => library.type.name === type)

  /** The row speaks of what lies at its path now. */
  function holds (row: Row): IndexedModel | undefined {
    const model = libraryOf(row.type)?.index.get(row.path)
    return model && isSame(row, model) ? model : undefined
  }

  function rowOf (model: IndexedModel): Row | undefined {
    const here = atPath.all(model.type, model.file_path).find((row) => isSame(row, model))
    if (here) return here
    return model.sha256 === '' ? undefined : withHash.all(model.type, model.sha256).find((row) => holds(row) === undefined)
  }

  function keep (row: Row, model: IndexedModel): string {
    if (row.path !== model.file_path || (model.sha256 !== '' && row.sha256 !== model.sha256)) place.run(model.file_path, model.sha256 || row.sha256, row.id)
    return row.id
  }

  return {
    of (model) {
      const row = rowOf(model)
      if (row) return keep(row, model)
      const id = randomBytes(10).toString('hex')
      add.run(id, model.type, model.file_path, model.sha256, new Date().toISOString())
      return id
    },
    known (model) {
      const row = rowOf(model)
      return row && keep(row, model)
    },
    find (id) {
      const row = readId.get(id)
      const library = row && libraryOf(row.type)
      if (!library) return undefined
      const model = holds(row) ?? (row.sha256 === '' ? undefined : library.index.byHash(row.sha256).find((one) => atPath.all(one.type, one.file_path).every((other) => !isSame(other, one))))
      if (!model) return undefined
      keep(row, model)
      return { library, model }
    },
    moved (type, from, to) { state.withoutWaiting(() => { relocate.run(to, type, from) }) }
  }
}

/** A file without a hash is told by its place alone. */
function isSame (row: Row, model: IndexedModel): boolean {
  return row.path === model.file_path && (row.sha256 === '' || model.sha256 === '' || row.sha256 === model.sha256)
}
