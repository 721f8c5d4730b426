import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Database } from 'better-sqlite3'
import { noticingDamage, type CacheSchema } from '../database/cache.ts'
import { numbersOf, type RecipeBody, type RecipeFacts, type RecipeNumbers, type RecipeRow } from './recipe-row.ts'

/** Raised with every change below or in what a row means: the cache is then rebuilt from the files. */
const VERSION = 5

export const recipeCacheSchema: CacheSchema = {
  name: 'recipes',
  version: VERSION,
  checked: ['state'],
  create: `
    CREATE TABLE recipes (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      json_path TEXT NOT NULL UNIQUE, recipe_id TEXT NOT NULL, folder TEXT NOT NULL, size INTEGER NOT NULL, mtime REAL NOT NULL,
      image_path TEXT NOT NULL, image_size INTEGER NOT NULL, image_mtime REAL NOT NULL, width INTEGER, height INTEGER, has_workflow INTEGER NOT NULL, moved INTEGER NOT NULL,
      modified REAL NOT NULL, created REAL NOT NULL, level INTEGER NOT NULL, favorite INTEGER NOT NULL, tag_count INTEGER NOT NULL, lora_count INTEGER NOT NULL,
      facts TEXT NOT NULL
    );
    -- apart, so that a start reads little
    CREATE TABLE bodies (id INTEGER PRIMARY KEY, size INTEGER NOT NULL, mtime REAL NOT NULL, body TEXT NOT NULL);
    CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;`
}

/** A row as the cache holds it, with the id that it keeps as long as its file has its path. */
export interface StoredRecipe extends Omit<RecipeRow, keyof RecipeBody | 'facts'>, RecipeNumbers {
  id: number
  /** JSON until `factsOf` is first asked: a start parses none of them. */
  facts: RecipeFacts | string
  /** Seconds; what "newest" means. */
  date: number
  /** Made when it is first sorted by. */
  titleKey: string | null
}

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
  /** The same for many, in their order. */
  readAll (rows: readonly StoredRecipe[]): (WholeRecipe | undefined)[]
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

type KnownCells = [id: number, jsonPath: string, folder: string, size: number, mtime: number, imagePath: string, imageSize: number, imageMtime: number, width: number | null, height: number | null, hasWorkflow: number]
type Cells = [...known: KnownCells, recipeId: string, moved: number, modified: number, created: number, level: number, favorite: number, tagCount: number, loraCount: number, facts: string]
type BodyCells = [id: number, size: number, mtime: number, body: string]

const KNOWN = ['json_path', 'folder', 'size', 'mtime', 'image_path', 'image_size', 'image_mtime', 'width', 'height', 'has_workflow']
const COLUMNS = [...KNOWN, 'recipe_id', 'moved', 'modified', 'created', 'level', 'favorite', 'tag_count', 'lora_count', 'facts']
const INDEXED = `id, ${COLUMNS.join(', ')}`
const BODY = 'id, size, mtime, body'
const SLICE = 500
const SLICE_MS = 8

export function createRecipeStore (db: Database): RecipeStore {
  const count = db.prepare('SELECT count(*) FROM recipes').pluck()
  const knownRows = db.prepare(`SELECT id, ${KNOWN.join(', ')} FROM recipes ORDER BY id`).raw()
  const byPath = db.prepare(`SELECT id, ${KNOWN.join(', ')} FROM recipes WHERE json_path = ?`).raw()
  const byIds = db.prepare(`SELECT ${INDEXED} FROM recipes WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id`).raw()
  const byId = db.prepare(`SELECT ${INDEXED} FROM recipes WHERE id = ?`).raw()
  const bodyById = db.prepare(`SELECT ${BODY} FROM bodies WHERE id = ?`).raw()
  const bodiesByIds = db.prepare(`SELECT ${BODY} FROM bodies WHERE id IN (SELECT value FROM json_each(?))`).raw()
  const after = db.prepare(`SELECT ${INDEXED} FROM recipes WHERE id > ? ORDER BY id LIMIT ?`).raw()
  const put = db.prepare(`INSERT INTO recipes (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})
    ON CONFLICT (json_path) DO UPDATE SET ${COLUMNS.slice(1).map((column) => `${column} = excluded.${column}`).join(', ')} RETURNING id`).pluck()
  const putBody = db.prepare(`INSERT OR REPLACE INTO bodies (${BODY}) VALUES (?, ?, ?, ?)`)
  const dropBody = db.prepare('DELETE FROM bodies WHERE id = ?')
  const dropBodies = db.prepare('DELETE FROM bodies')
  const drop = db.prepare('DELETE FROM recipes WHERE id = ?')
  const dropAll = db.prepare('DELETE FROM recipes')
  const movedPaths = db.prepare('SELECT json_path FROM recipes WHERE moved = 1 ORDER BY id').pluck()
  const getState = db.prepare('SELECT value FROM state WHERE name = ?').pluck()
  const setState = db.prepare('INSERT OR REPLACE INTO state (name, value) VALUES (?, ?)')
  const upsert = db.transaction((rows: readonly RecipeRow[]) => rows.map((row) => {
    const id = Number(put.get(...cellsOf(row)))
    putBody.run(id, row.size, row.mtime, bodyText(row))
    return id
  }))
  const remove = db.transaction((ids: readonly number[]) => { for (const id of ids) { dropBody.run(id); drop.run(id) } })
  const clear = db.transaction(() => { dropBodies.run(); dropAll.run() })

  const newest = db.transaction(({ id }: StoredRecipe): WholeRecipe | undefined => {
    const row = byId.get(id) as Cells | undefined
    const body = bodyById.get(id) as BodyCells | undefined
    return row && body && { row: storedOf(row), body: bodyOf(body) }
  })

  function wholeOf (row: StoredRecipe, cells: BodyCells | undefined): WholeRecipe | undefined {
    if (!cells) return undefined
    const [, size, mtime] = cells
    return mtime === row.mtime && size === row.size ? { row, body: bodyOf(cells) } : newest(row)
  }

  function readAll (rows: readonly StoredRecipe[]): (WholeRecipe | undefined)[] {
    const bodies = new Map<number, BodyCells>()
    for (const cells of bodiesByIds.all(JSON.stringify(rows.map(({ id }) => id))) as BodyCells[]) bodies.set(cells[0], cells)
    return rows.map((row) => wholeOf(row, bodies.get(row.id)))
  }

  return {
    db,
    count: () => Number(count.get()),
    known: () => noticingDamage(db, () => (knownRows.all() as KnownCells[]).map(knownOf)),
    find (jsonPath) {
      const row = byPath.get(jsonPath) as KnownCells | undefined
      return row && knownOf(row)
    },
    load: (ids) => (byIds.all(JSON.stringify(ids)) as Cells[]).map(storedOf),
    read: (row) => noticingDamage(db, () => wholeOf(row, bodyById.get(row.id) as BodyCells | undefined)),
    readAll: (rows) => noticingDamage(db, () => readAll(rows)),
    async * loadSlices () {
      let limit = SLICE
      for (let last = 0; ;) {
        const begun = performance.now()
        const rows = noticingDamage(db, () => after.all(last, limit) as Cells[])
        if (rows.length === 0) return
        last = rows[rows.length - 1]?.[0] ?? last
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
  const { modified, created, level, favorite, tagCount, loraCount } = numbersOf(facts)
  return [
    row.jsonPath, row.folder, row.size, row.mtime, image.path, image.size, image.mtimeMs, image.width, image.height, Number(image.hasWorkflow),
    row.recipeId, Number(moved), modified, created, level, favorite, tagCount, loraCount, factsText(facts)
  ]
}

/** Facts are stored as a list: their names in every row would be half of it. */
function factsText ({ title, baseModel, favorite, level, modified, created, tags, source, fingerprint, hashes, versions, names, checkpoint, checkpointVersion, imageId }: RecipeFacts): string {
  return JSON.stringify([title, baseModel, favorite, level, modified, created, tags, source, fingerprint, hashes, versions, names, checkpoint, checkpointVersion, imageId])
}

function parseFacts (text: string): RecipeFacts {
  const [title, baseModel, favorite, level, modified, created, tags, source, fingerprint, hashes, versions, names, checkpoint, checkpointVersion, imageId] =
    JSON.parse(text) as [string, string, boolean, number, number, number, string[], string, string, string[], number[], string[], string, number, string]
  return { title, baseModel, favorite, level, modified, created, tags, source, fingerprint, hashes, versions, names, checkpoint, checkpointVersion, imageId }
}

export function factsOf (row: Pick<StoredRecipe, 'facts'>): RecipeFacts {
  const { facts } = row
  if (typeof facts !== 'string') return facts
  const parsed = parseFacts(facts)
  row.facts = parsed
  return parsed
}

function knownOf ([id, jsonPath, folder, size, mtime, path, imageSize, mtimeMs, width, height, hasWorkflow]: KnownCells): KnownRecipe {
  return { id, jsonPath, folder, size, mtime, image: { path, size: imageSize, mtimeMs, width, height, hasWorkflow: hasWorkflow === 1 } }
}

function storedOf ([id, jsonPath, folder, size, mtime, path, imageSize, mtimeMs, width, height, hasWorkflow, recipeId, moved, modified, created, level, favorite, tagCount, loraCount, facts]: Cells): StoredRecipe {
  const image = { path, size: imageSize, mtimeMs, width, height, hasWorkflow: hasWorkflow === 1 }
  return { id, jsonPath, recipeId, folder, size, mtime, image, moved: moved === 1, modified, created, level, favorite, tagCount, loraCount, facts, date: modified || created, titleKey: null }
}

/** In one text, since a cell costs as much to read as a kilobyte; JSON holds no line breaks. The LoRAs, of which there are many, stand last. */
function bodyText ({ members, params, shownParams, checkpoint, loras }: RecipeBody): string {
  return [members, params, shownParams, checkpoint, loras].join('\n')
}

function bodyOf ([, , , text]: BodyCells): RecipeBody {
  const params = text.indexOf('\n') + 1
  const shown = text.indexOf('\n', params) + 1
  const checkpoint = text.indexOf('\n', shown) + 1
  const loras = text.indexOf('\n', checkpoint) + 1
  return {
    members: text.slice(0, params - 1),
    params: text.slice(params, shown - 1),
    shownParams: text.slice(shown, checkpoint - 1),
    checkpoint: text.slice(checkpoint, loras - 1),
    loras: text.slice(loras)
  }
}
