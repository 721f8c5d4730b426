import { readFileSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Database } from 'better-sqlite3'
import type { HashStatus, IndexedModel } from './entry.ts'
import { noticingDamage } from '../database/cache.ts'
import { sidecarPath } from './sidecar-file.ts'
import { packModel, unpackModel, type PackedModel } from './packed-model.ts'
import { written } from './store-schema.ts'
import { toCells, type FileFacts, type RawRow, type RowCells, type StoredModel } from './stored-model.ts'
import type { ModelTypeName } from './types.ts'

/** What a scan has to know of a row to tell whether anything changed. */
export interface KnownModel extends FileFacts {
  id: number
  root_id: string
  file_path: string
  preview_url: string
  sha256: string
  autov3: string | null
  hash_status: HashStatus
  modified: number
  bare: boolean
  due: boolean
}

export interface HashResult { sha256: string, autov3: string | null, hash_status: HashStatus }

/** Persisted rows of one library. Every write is one short transaction, so that no reader or writer waits long. */
export interface ModelStore {
  readonly db: Database
  isEmpty (type: ModelTypeName): boolean
  /** All entries of a type in slices that keep the event loop free. */
  loadSlices (type: ModelTypeName, sliceMs?: number): AsyncGenerator<PackedModel[]>
  loadPacked (type: ModelTypeName, ids: readonly number[]): PackedModel[]
  loadIds (type: ModelTypeName, ids: readonly number[]): IndexedModel[]
  /** Ids in the order of names as it was saved last; models may have come and gone since. */
  nameOrder (type: ModelTypeName): Uint32Array | null
  saveNameOrder (type: ModelTypeName, ids: Uint32Array): void
  find (type: ModelTypeName, filePath: string): KnownModel | undefined
  findById (id: number): KnownModel | undefined
  /** Writes rows by path; answers their ids in order. */
  upsert (rows: readonly StoredModel[]): number[]
  /** The same for rows in cells. `fresh`: none of the paths has a row, as far as is known. */
  write (rows: readonly RowCells[], options: { fresh: boolean }): number[]
  /** Gives a row a new path (id and what hangs on it stay); answers ids of rows that stood in the way and are gone. */
  relocate (id: number, filePath: string): number[]
  /**
   * Deletes rows that still have the path given (one that was moved meanwhile stays).
   * With `remember`, what their sidecars said is kept for 30 days for a file of the same content. Answers the ids deleted.
   */
  remove (rows: readonly { id: number, file_path: string }[], options: { remember: boolean }): number[]
  /** Records a hash, if the file is still the one that was hashed. */
  setHash (id: number, result: HashResult, file: { size: number, mtimeMs: number }): boolean
  /** The sidecar's bytes as last read; they answer while the disk is away. */
  sidecar (type: ModelTypeName, filePath: string): Buffer | undefined
  /** Rows whose sidecar's bytes are still to be taken in, from an id on. */
  unkept (type: ModelTypeName, after: number, limit: number): { id: number, file_path: string }[]
  /** Takes in bytes of sidecars, unless another version of a sidecar was read meanwhile. */
  keep (sidecars: readonly { id: number, size: number, mtimeMs: number, bytes: Uint8Array }[]): void
  /** Rows that have no hash yet, those that failed left out, in order. */
  unhashed (type: ModelTypeName): { id: number, file_path: string, root_id: string }[]
  /** Rows whose sidecar wants to be written; with `hashedOnly`, those whose hash is still to come wait for it. */
  due (type: ModelTypeName, options: { hashedOnly: boolean }): { id: number, file_path: string, root_id: string }[]
}

/** Row ids per slice at first; the first rows take the longest, since nothing is compiled yet. */
const SLICE_START = 100
const SLICE_LEAST = 50
const SLICE_MOST = 5000
const KNOWN = 'id, root_id, file_path, preview_url, sha256, autov3, hash_status, modified, bare, due, file_size, file_mtime, file_inode, file_dev, sidecar_size, sidecar_mtime, info_mtime, preview_size, preview_mtime'

export function createModelStore (db: Database): ModelStore {
  const select = 'SELECT id, packed FROM models'
  // Bounded by ids rather than a number of rows: to find the next few of a rare type may take reading all the others.
  const slice = db.prepare(`${select} WHERE +type = ? AND id > ? AND id <= ? ORDER BY id`).raw()
  const bounds = db.prepare('SELECT coalesce(min(id), 1), coalesce(max(id), 0) FROM models WHERE type = ?').raw()
  const byIds = db.prepare(`${select} WHERE id IN (SELECT value FROM json_each(?)) AND +type = ? ORDER BY id`).raw()
  const knownByPath = db.prepare(`SELECT ${KNOWN} FROM models WHERE type = ? AND file_path = ?`).raw()
  const knownById = db.prepare(`SELECT ${KNOWN} FROM models WHERE id = ?`).raw()
  const insert = db.prepare(`INSERT INTO models (${written.join(', ')}) VALUES (${written.map(() => '?').join(', ')})
    ON CONFLICT (type, file_path) DO UPDATE SET ${written.slice(1).map((column) => `${column} = excluded.${column}`).join(', ')} RETURNING id`).pluck()
  const insertNew = db.prepare(`INSERT OR IGNORE INTO models (${written.join(', ')}) VALUES (${written.map(() => '?').join(', ')})`)
  const putSidecar = db.prepare('INSERT INTO sidecars (id, bytes) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET bytes = excluded.bytes')
  const dropSidecar = db.prepare('DELETE FROM sidecars WHERE id = ?')
  const inTheWay = db.prepare('DELETE FROM models WHERE file_path = ? AND id <> ? AND type = (SELECT type FROM models WHERE id = ?) RETURNING id').pluck()
  const setPath = db.prepare('UPDATE models SET file_path = ? WHERE id = ?')
  const keepVanished = db.prepare(`INSERT OR REPLACE INTO vanished (id, type, sha256, file_path, bytes, vanished_at)
    SELECT m.id, m.type, m.sha256, m.file_path, s.bytes, ? FROM models m JOIN sidecars s ON s.id = m.id WHERE m.id = ? AND m.file_path = ? AND m.sha256 <> '' AND m.bare = 0`)
  const drop = db.prepare('DELETE FROM models WHERE id = ? AND file_path = ?')
  const asHashed = db.prepare('SELECT packed, type FROM models WHERE id = ? AND file_size = ? AND file_mtime = ?').raw()
  const hashed = db.prepare('UPDATE models SET sha256 = ?, autov3 = ?, hash_status = ?, packed = ?, due = 1 WHERE id = ?')
  const bytesOf = db.prepare('SELECT bytes FROM sidecars WHERE id = (SELECT id FROM models WHERE type = ? AND file_path = ?)').pluck()
  const wanting = db.prepare("SELECT id, file_path, root_id FROM models WHERE type = ? AND sha256 = '' AND hash_status <> 'failed' ORDER BY id")
  const dueRows = db.prepare("SELECT id, file_path, root_id FROM models WHERE type = ? AND due = 1 AND (? OR sha256 <> '' OR hash_status = 'failed') ORDER BY id")

  const isUnkept = db.prepare('SELECT 1 FROM models WHERE type = ? AND file_path = ? AND kept = 0').pluck()
  const unkeptRows = db.prepare('SELECT id, file_path FROM models WHERE type = ? AND kept = 0 AND id > ? ORDER BY id LIMIT ?')
  const setKept = db.prepare('UPDATE models SET kept = 1 WHERE id = ? AND kept = 0 AND sidecar_size = ? AND sidecar_mtime = ?')

  const writeAll = db.transaction((rows: readonly RowCells[], fresh: boolean) => rows.map(({ cells, sidecar }) => {
    if (fresh) {
      const { changes, lastInsertRowid } = insertNew.run(cells)
      if (changes > 0) {
        if (sidecar) putSidecar.run(lastInsertRowid, sidecar)
        return Number(lastInsertRowid)
      }
    }
    const id = insert.get(cells) as number
    if (sidecar) putSidecar.run(id, sidecar)
    else dropSidecar.run(id)
    return id
  }))
  const keepAll = db.transaction((sidecars: Parameters<ModelStore['keep']>[0]) => {
    for (const { id, size, mtimeMs, bytes } of sidecars) if (setKept.run(id, size, mtimeMs).changes > 0) putSidecar.run(id, bytes)
  })
  const relocate = db.transaction((id: number, filePath: string) => {
    const gone = inTheWay.all(filePath, id, id) as number[]
    for (const other of gone) dropSidecar.run(other)
    setPath.run(filePath, id)
    return gone
  })
  const removeAll = db.transaction((rows: readonly { id: number, file_path: string }[], remember: boolean) => rows.filter((row) => {
    if (remember) keepVanished.run(Date.now(), row.id, row.file_path)
    const gone = drop.run(row.id, row.file_path).changes > 0
    if (gone) dropSidecar.run(row.id)
    return gone
  }).map((row) => row.id))
  const order = db.prepare('SELECT ids FROM name_orders WHERE type = ?').pluck()
  const putOrder = db.prepare('INSERT OR REPLACE INTO name_orders (type, ids) VALUES (?, ?)')
  const any = db.prepare('SELECT EXISTS (SELECT 1 FROM models WHERE type = ?)').pluck()

  const setHash = db.transaction((id: number, result: HashResult, file: { size: number, mtimeMs: number }) => {
    const row = asHashed.get(id, file.size, file.mtimeMs) as [packed: string, type: ModelTypeName] | undefined
    if (!row) return false
    const model = { ...unpackModel({ id, packed: row[0] }, row[1]), ...result }
    return hashed.run(result.sha256, result.autov3, result.hash_status, packModel(model), id).changes > 0
  })
  const loadPacked = (type: ModelTypeName, ids: readonly number[]): PackedModel[] => {
    const rows = new Map((byIds.all(JSON.stringify(ids), type) as [id: number, packed: string][]))
    return ids.flatMap((id) => {
      const packed = rows.get(id)
      return packed === undefined ? [] : [{ id, packed }]
    })
  }

  return noticing({
    db,
    isEmpty: (type) => any.get(type) === 0,
    async * loadSlices (type, sliceMs = 8) {
      let width = SLICE_START
      const [first, end] = noticingDamage(db, () => bounds.get(type) as [first: number, end: number])
      for (let after = first - 1; after < end;) {
        const begun = performance.now()
        const [from, to] = [after, after + width]
        const models = noticingDamage(db, () => slice.all(type, from, to) as [id: number, packed: string][]).map(([id, packed]) => ({ id, packed }))
        after = to
        if (models.length > 0) yield models
        // The time of whoever takes the entries in counts too.
        const spent = performance.now() - begun
        width = Math.max(SLICE_LEAST, Math.min(SLICE_MOST, 2 * width, Math.round(width * sliceMs / Math.max(spent, 0.1))))
        await nextTurn()
      }
    },
    loadPacked,
    loadIds: (type, ids) => loadPacked(type, ids).map((row) => unpackModel(row, type)),
    nameOrder (type) {
      const bytes = order.get(type) as Buffer | undefined
      return bytes ? new Uint32Array(Uint8Array.from(bytes).buffer) : null
    },
    saveNameOrder (type, ids) { putOrder.run(type, Buffer.from(ids.buffer, ids.byteOffset, ids.byteLength)) },
    find (type, filePath) {
      const row = knownByPath.get(type, filePath) as RawRow | undefined
      return row && toKnown(row)
    },
    findById (id) {
      const row = knownById.get(id) as RawRow | undefined
      return row && toKnown(row)
    },
    upsert: (rows) => writeAll.immediate(rows.map((row) => ({ cells: toCells(row), sidecar: row.sidecarLater === true ? null : row.sidecar })), false),
    write: (rows, { fresh }) => writeAll.immediate(rows, fresh),
    relocate: (id, filePath) => relocate.immediate(id, filePath),
    remove: (rows, { remember }) => removeAll.immediate(rows, remember),
    setHash: (id, result, file) => setHash.immediate(id, result, file),
    sidecar (type, filePath) {
      const bytes = bytesOf.get(type, filePath) as Buffer | undefined
      return bytes ?? (isUnkept.get(type, filePath) === 1 ? readSidecar(filePath) : undefined)
    },
    unkept: (type, after, limit) => unkeptRows.all(type, after, limit) as { id: number, file_path: string }[],
    keep: (sidecars) => { keepAll.immediate(sidecars) },
    unhashed: (type) => wanting.all(type) as { id: number, file_path: string, root_id: string }[],
    due: (type, { hashedOnly }) => dueRows.all(type, hashedOnly ? 0 : 1) as { id: number, file_path: string, root_id: string }[]
  })
}

/** Damage that any of it meets is noted for the next start. */
function noticing (store: ModelStore): ModelStore {
  const wrapped = Object.entries(store).map(([name, member]) => typeof member !== 'function' || name === 'loadSlices'
    ? [name, member]
    : [name, (...input: unknown[]) => noticingDamage(store.db, () => (member as (...input: unknown[]) => unknown)(...input))])
  return Object.fromEntries(wrapped) as ModelStore
}

function readSidecar (filePath: string): Buffer | undefined {
  try {
    return readFileSync(sidecarPath(filePath))
  } catch {
    // gone or out of reach before it was taken in: nothing is known of it
    return undefined
  }
}

function toKnown (row: RawRow): KnownModel {
  return {
    id: row[0] as number,
    root_id: row[1] as string,
    file_path: row[2] as string,
    preview_url: row[3] as string,
    sha256: row[4] as string,
    autov3: row[5] as string | null,
    hash_status: row[6] as HashStatus,
    modified: row[7] as number,
    bare: row[8] === 1,
    due: row[9] === 1,
    file_size: row[10] as number,
    file_mtime: row[11] as number,
    file_inode: row[12] as number,
    file_dev: row[13] as number,
    sidecar_size: row[14] as number | null,
    sidecar_mtime: row[15] as number | null,
    info_mtime: row[16] as number | null,
    preview_size: row[17] as number | null,
    preview_mtime: row[18] as number | null
  }
}
