import { readdir, readFile, realpath } from 'node:fs/promises'
import { isObject } from './read-value.ts'

/** A batch of deleted files that another program of the family laid aside: `<folder>/.lm-pending-delete/<id>/manifest.json`; of recipes in the settings directory. */
export interface StagedBatch {
  directory: string
  manifest: string
  /** Seconds since the epoch: how long it may be restored. */
  expiresAt: number
  /** Files that are still laid aside, with the places they came from as the manifest gives them. */
  files: { staged: string, original: string }[]
}

const STAGING = '.lm-pending-delete'
const MAX_MANIFEST_BYTES = 16 * 1024 * 1024

/** Walks the roots for a batch of models with this id and a manifest that can be read; anything else is left alone and undefined. */
export async function findStagedBatch (roots: readonly string[], id: string): Promise<StagedBatch | undefined> {
  const seen = new Set<string>()
  for (const root of roots) {
    const found = await search(root, id, seen)
    if (found) return found
  }
  return undefined
}

/** A batch of recipes lies in the settings directory itself: copies, while the recipes are gone. */
export async function findStagedRecipes (settingsDirectory: string, id: string): Promise<StagedBatch | undefined> {
  return await readBatch(`${settingsDirectory}/${STAGING}/${id}`, id, 'recipe')
}

async function search (directory: string, id: string, seen: Set<string>): Promise<StagedBatch | undefined> {
  const waiting = [directory]
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const names = await folders(at, seen)
    if (names.includes(STAGING)) {
      const batch = await readBatch(`${at}/${STAGING}/${id}`, id, 'model')
      if (batch) return batch
    }
    for (const name of names) if (name !== STAGING) waiting.push(`${at}/${name}`)
  }
  return undefined
}

/** Folders and links to such; none of a folder that was seen already or can't be listed. */
async function folders (directory: string, seen: Set<string>): Promise<string[]> {
  try {
    const real = await realpath(directory)
    if (seen.has(real)) return []
    seen.add(real)
    const entries = await readdir(directory, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink()).map((entry) => entry.name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error
    return []
  }
}

async function readBatch (directory: string, id: string, kind: 'model' | 'recipe'): Promise<StagedBatch | undefined> {
  const manifest = `${directory}/manifest.json`
  const document = await readDocument(manifest)
  if (document?.batch_id !== id || document.kind !== kind || !Array.isArray(document.entries)) return undefined
  const present = new Set((await readdir(directory)))
  const files = document.entries.flatMap((entry: unknown) => {
    if (!isObject(entry) || typeof entry.staged !== 'string' || typeof entry.original !== 'string') return []
    // Where the batch lies now counts, not where it lay for the program that made it.
    const name = entry.staged.slice(Math.max(entry.staged.lastIndexOf('/'), entry.staged.lastIndexOf('\\')) + 1)
    return entry.restored !== true && name !== 'manifest.json' && present.has(name) ? [{ staged: `${directory}/${name}`, original: entry.original }] : []
  })
  return { directory, manifest, expiresAt: typeof document.expires_at === 'number' ? document.expires_at : 0, files }
}

async function readDocument (path: string): Promise<Record<string, unknown> | undefined> {
  try {
    const bytes = await readFile(path)
    const document: unknown = bytes.length > MAX_MANIFEST_BYTES ? undefined : JSON.parse(bytes.toString('utf8'))
    return isObject(document) ? document : undefined
  } catch (error) {
    // No batch, or one that only its own program can make sense of.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code !== undefined) return undefined
    throw error
  }
}
