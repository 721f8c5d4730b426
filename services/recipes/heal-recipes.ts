import { editJsonText } from '../models/edit-json-text.ts'
import type { Journal, Unit } from '../journal/types.ts'
import type { Logger } from '../logger.ts'
import { readText } from '../models/read-value.ts'
import { findImage, readRecipeFile } from './recipe-row.ts'
import type { RecipeStore } from './recipe-store.ts'

export interface HealDeps {
  store: RecipeStore
  journal: Pick<Journal, 'run'>
  refresh (jsonPath: string): Promise<void>
  /** Documents that could not be written: they are not tried again. */
  refused: Set<string>
  logger: Logger
}

const BATCH = 100

/** Recipes that were moved along with their image name its old place: they are told where it lies now (recipes §1.6). */
export async function healRecipes ({ store, journal, refresh, refused, logger }: HealDeps, signal: AbortSignal): Promise<void> {
  const paths = store.moved().filter((path) => !refused.has(path))
  for (let at = 0; at < paths.length && !signal.aborted; at += BATCH) {
    const units = (await Promise.all(paths.slice(at, at + BATCH).map(healUnit))).flatMap((unit) => unit ?? [])
    if (units.length === 0) continue
    const { units: results } = await journal.run({ kind: 'edit', route: 'recipe-scan', summary: `Say where the images of ${units.length} recipe(s) lie`, units }, { signal })
    for (const { key, ok, error } of results) {
      if (ok) await refresh(key)
      else refused.add(key)
      if (error) logger.warn({ recipe: key, reason: error.message }, 'a recipe that was moved could not be told where its image lies')
    }
  }
}

async function healUnit (jsonPath: string): Promise<Unit | null> {
  const file = await readRecipeFile(jsonPath).catch(() => undefined)
  if (!file || 'problem' in file) return null
  const { raw, bytes, stats } = file
  const imagePath = await findImage(readText(raw.file_path), jsonPath)
  if (imagePath === raw.file_path) return null
  const data = editJsonText(bytes, raw, { ...raw, file_path: imagePath })
  return { key: jsonPath, label: String(raw.title), steps: [{ kind: 'write', path: jsonPath, data, expected: { size: stats.size, mtimeMs: stats.mtimeMs } }] }
}
