import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Database } from 'better-sqlite3'
import { noticingDamage, type CacheSchema } from '../database/cache.ts'
import type { RecipeBody, RecipeFacts, RecipeRow } from './recipe-row.ts'

/** Raised with every change below or in what a row means: the cache is then rebuilt from the files. */
const VERSION = 3

export const recipeCacheSchema: CacheSchema = {
  name: 'recipes',
  version: VERSION,
  checked: ['state'],
  create: `
    CREATE TABLE recipes (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      json_path TEXT NOT NULL UNIQUE, recipe_id TEXT NOT NULL, folder TEXT NOT NULL, size INTEGER NOT NULL, mtime REAL NOT NULL,
      image_path TEXT NOT NULL, image_size INTEGER NOT NULL, image_mtime REAL NOT NULL, width INTEGER, height INTEGER, has_workflow INTEGER NOT NULL, moved INTEGER NOT NULL,
      facts TEXT NOT NULL
    );
    -- apart, so that a start reads little
    CREATE TABLE bodies (
      id INTEGER PRIMARY KEY, size INTEGER NOT NULL, mtime REAL NOT NULL,
      members TEXT NOT NULL, loras TEXT NOT NULL, checkpoint TEXT NOT NULL, params TEXT NOT NULL, shown_params TEXT NOT NULL
    );
    CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;`
}

/** A row as the cache holds it, with the id that it keeps as long as its file has its path. */
export interface StoredRecipe extends Omit<RecipeRow, keyof RecipeBody> { id: number }

/** A row with what answers are made of, both of the same file as it was at one moment. */
export interface WholeRecipe { row: StoredRecipe, body: RecipeBody }

/** What a scan compares with the disk. */
export type KnownRecipe = Pick<StoredRecipe, 'id' | 'jsonPath' | 'folder' | 'size' | 'mtime' | 'image'>

/** Persisted rows of one library's recipes; every write is one short transaction. */
export interface RecipeStore {
  readonly db: Database
  count (): number
  known (): KnownRecipe[]
  find (jsonPath: string): KnownRecipe | undefined
  load (ids: readonly number[]): StoredRecipe[]
  /** The body of a row of the index; where a scan has just written a newer one, with the newer row. Undefined when it is not there any more. */
  read (row: StoredRecipe): WholeRecipe | undefined
  /** All rows in slices that keep the event loop free. */
  loadSlices (): AsyncGenerator<StoredRecipe[]>
  /** By path; answers the ids in order. */
  upsert (rows: readonly RecipeRow[]): number[]
  remove (ids: readonly number[]): void
  /** Paths of documents that name another place for their image than where it lies. */
  moved (): string[]
  /** Directory that the rows are of; "" before the first scan. */
  root (): string
  setRoot (path: string): void
  clear (): void
}

type Cells = Omit<StoredRecipe, 'image' | 'facts' | 'moved'> & { imagePath: string, imageSize: number, imageMtime: number, width: number | null, height: number | null, hasWorkflow: number, moved: number, facts: string }
type BodyCells = RecipeBody & Pick<StoredRecipe, 'size' | 'mtime'>

const COLUMNS = ['json_path', 'recipe_id', 'folder', 'size', 'mtime', 'image_path', 'image_size', 'image_mtime', 'width', 'height', 'has_workflow', 'moved', 'facts']
const IMAGE = 'image_path AS imagePath, image_size AS imageSize, image_mtime AS imageMtime, width, height, has_workflow AS hasWorkflow'
const KNOWN = `id, json_path AS jsonPath, folder, size, mtime, ${IMAGE}`
const INDEXED = `${KNOWN}, recipe_id AS recipeId, moved, facts`
const BODY = 'size, mtime, members, loras, checkpoint, params, shown_params AS shownParams'
const SLICE = 500
const SLICE_MS = 8

export function createRecipeStore (db: Database): RecipeStore {
  const count = db.prepare('SELECT count(*) FROM recipes').pluck()
  const knownRows = db.prepare(`SELECT ${KNOWN} FROM recipes ORDER BY id`)
  const byPath = db.prepare(`SELECT ${KNOWN} FROM recipes WHERE json_path = ?`)
  const byIds = db.prepare(`SELECT ${INDEXED} FROM recipes WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id`)
  const byId = db.prepare(`SELECT ${INDEXED} FROM recipes WHERE id = ?`)
  const bodyById = db.prepare(`SELECT ${BODY} FROM bodies WHERE id = ?`)
  const after = db.prepare(`SELECT ${INDEXED} FROM recipes WHERE id > ? ORDER BY id LIMIT ?`)
  const put = db.prepare(`INSERT INTO recipes (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})
    ON CONFLICT (json_path) DO UPDATE SET ${COLUMNS.slice(1).map((column) => `${column} = excluded.${column}`).join(', ')} RETURNING id`).pluck()
  const putBody = db.prepare('INSERT OR REPLACE INTO bodies (id, size, mtime, members, loras, checkpoint, params, shown_params) VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
  const dropBody = db.prepare('DELETE FROM bodies WHERE id = ?')
  const dropBodies = db.prepare('DELETE FROM bodies')
  const drop = db.prepare('DELETE FROM recipes WHERE id = ?')
  const dropAll = db.prepare('DELETE FROM recipes')
  const movedPaths = db.prepare('SELECT json_path FROM recipes WHERE moved = 1 ORDER BY id').pluck()
  const getState = db.prepare('SELECT value FROM state WHERE name = ?').pluck()
  const setState = db.prepare('INSERT OR REPLACE INTO state (name, value) VALUES (?, ?)')
  const upsert = db.transaction((rows: readonly RecipeRow[]) => rows.map((row) => {
    const id = Number(put.get(...cellsOf(row)))
    putBody.run(id, row.size, row.mtime, row.members, row.loras, row.checkpoint, row.params, row.shownParams)
    return id
  }))
  const remove = db.transaction((ids: readonly number[]) => { for (const id of ids) { dropBody.run(id); drop.run(id) } })
  const clear = db.transaction(() => { dropBodies.run(); dropAll.run() })

  const newest = db.transaction(({ id }: StoredRecipe): WholeRecipe | undefined => {
    const row = byId.get(id) as Cells | undefined
    const body = bodyById.get(id) as BodyCells | undefined
    return row && body && { row: storedOf(row), body }
  })

  function readWhole (row: StoredRecipe): WholeRecipe | undefined {
    const body = bodyById.get(row.id) as BodyCells | undefined
    return body?.mtime === row.mtime && body.size === row.size ? { row, body } : body && newest(row)
  }

  return {
    db,
    count: () => Number(count.get()),
    known: () => noticingDamage(db, () => (knownRows.all() as Cells[]).map(knownOf)),
    find (jsonPath) {
      const row = byPath.get(jsonPath) as Cells | undefined
      return row && knownOf(row)
    },
    load: (ids) => (byIds.all(JSON.stringify(ids)) as Cells[]).map(storedOf),
    read: (row) => noticingDamage(db, () => readWhole(row)),
    async * loadSlices () {
      let limit = SLICE
      for (let last = 0; ;) {
        const begun = performance.now()
        const rows = noticingDamage(db, () => after.all(last, limit) as Cells[])
        if (rows.length === 0) return
        last = rows[rows.length - 1]?.id ?? last
        yield rows.map(storedOf)
        limit = Math.max(100, Math.min(4 * SLICE, Math.round(limit * SLICE_MS / Math.max(performance.now() - begun, 0.1))))
        await nextTurn()
      }
    },
    upsert: (rows) => upsert.immediate(rows),
    remove: (ids) => { remove.immediate(ids) },
    moved: () => movedPaths.all() as string[],
    root: () => String(getState.get('root') ?? ''),
    setRoot: (path) => { setState.run('root', path) },
    clear: () => { clear.immediate() }
  }
}

function cellsOf ({ image, facts, moved, ...row }: RecipeRow): unknown[] {
  return [
    row.jsonPath, row.recipeId, row.folder, row.size, row.mtime, image.path, image.size, image.mtimeMs, image.width, image.height, Number(image.hasWorkflow), Number(moved),
    factsText(facts)
  ]
}

/** Facts are stored as a list: their names in every row would be half of it. */
function factsText ({ title, baseModel, favorite, level, modified, created, tags, source, fingerprint, hashes, versions, names, checkpoint, checkpointVersion, imageId }: RecipeFacts): string {
  return JSON.stringify([title, baseModel, favorite, level, modified, created, tags, source, fingerprint, hashes, versions, names, checkpoint, checkpointVersion, imageId])
}

function factsFrom (text: string): RecipeFacts {
  const [title, baseModel, favorite, level, modified, created, tags, source, fingerprint, hashes, versions, names, checkpoint, checkpointVersion, imageId] =
    JSON.parse(text) as [string, string, boolean, number, number, number, string[], string, string, string[], number[], string[], string, number, string]
  return { title, baseModel, favorite, level, modified, created, tags, source, fingerprint, hashes, versions, names, checkpoint, checkpointVersion, imageId }
}

function knownOf (row: Cells): KnownRecipe {
  const { id, jsonPath, folder, size, mtime } = row
  return { id, jsonPath, folder, size, mtime, image: imageOf(row) }
}

function imageOf (row: Cells): StoredRecipe['image'] {
  return { path: row.imagePath, size: row.imageSize, mtimeMs: row.imageMtime, width: row.width, height: row.height, hasWorkflow: row.hasWorkflow === 1 }
}

function storedOf (row: Cells): StoredRecipe {
  const { id, jsonPath, recipeId, folder, size, mtime } = row
  return { id, jsonPath, recipeId, folder, size, mtime, image: imageOf(row), moved: row.moved === 1, facts: factsFrom(row.facts) }
}
