import { readdir, stat } from 'node:fs/promises'
import type { Dirent } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { overlapping, realPathOrSpelling } from './folder-rules.ts'
import type { Refusal } from './types.ts'

const HASH_NAME = /^[0-9a-f]{64}$/i
const SYSTEM_FILES = new Set(['.DS_Store', 'Thumbs.db', 'desktop.ini', '.localized', '.gitkeep', '.gitignore'])
const PROGRESS_FILE = '.download_progress.json'
const NAMED = 5

/**
 * Why a directory can't hold example images, or undefined. It must be dedicated to them, since clean-ups remove what is
 * in it; ask again before every clean-up, a path may have come by an edit of the file.
 * @param others real paths of model folders and recipe directories, none of which may be inside or around it
 */
export async function findExampleImagesProblem (path: string, others: readonly string[]): Promise<Refusal | undefined> {
  if (path.includes('\0') || !isAbsolute(path)) return refusal('path-invalid', `Path must be absolute: ${path}`)
  const found = await stat(path).catch(() => undefined)
  if (!found) return refusal('path-missing', `Path does not exist: ${path}`)
  if (!found.isDirectory()) return refusal('path-not-a-directory', `Path is not a directory: ${path}`)
  const real = await realPathOrSpelling(path)
  if (others.some((other) => overlapping(other, real))) {
    return refusal('path-overlap', 'Example images need a directory of their own, neither inside nor around a model or recipe folder')
  }
  return await findForeignItems(path)
}

async function findForeignItems (path: string): Promise<Refusal | undefined> {
  const entries = await list(path)
  if (!entries) return refusal('path-unreadable', `Path can't be listed: ${path}`)
  const foreign: string[] = []
  for (const entry of entries) if (!await belongs(path, entry)) foreign.push(entry.name)
  if (foreign.length === 0) return undefined
  const more = foreign.length > NAMED ? ` and ${foreign.length - NAMED} more` : ''
  return refusal('path-not-dedicated', `Example images need a directory of their own; it contains other items: ${foreign.slice(0, NAMED).join(', ')}${more}`)
}

async function belongs (path: string, entry: Dirent): Promise<boolean> {
  if (entry.isFile()) return entry.name.startsWith('.') || SYSTEM_FILES.has(entry.name)
  if (!entry.isDirectory()) return false
  return ownDirectory(entry) || await isLibraryFolder(join(path, entry.name))
}

function ownDirectory (entry: Dirent): boolean {
  return HASH_NAME.test(entry.name) || entry.name === '_deleted'
}

/** With more than one library each has a folder of hash folders. */
async function isLibraryFolder (path: string): Promise<boolean> {
  const entries = await list(path)
  return entries?.every((entry) => entry.isDirectory() ? ownDirectory(entry) : entry.isFile() && entry.name === PROGRESS_FILE) ?? false
}

async function list (path: string): Promise<Dirent[] | undefined> {
  return await readdir(path, { withFileTypes: true }).catch(() => undefined)
}

function refusal (code: string, reason: string): Refusal {
  return { code, reason }
}
