import { access, constants, readdir, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { containedIn } from '../files/safe-path.ts'
import type { Library, Refusal } from './types.ts'

/** Normal form of the setting: `~` expanded, absolute; "" is the default directory. Relative text stays as it is, to be refused. */
export function recipesPathFrom (text: string): string {
  const trimmed = text.trim()
  if (trimmed === '') return ''
  const expanded = trimmed === '~' || /^~[/\\]/.test(trimmed) ? join(homedir(), trimmed.slice(1)) : trimmed
  return isAbsolute(expanded) ? resolve(expanded).replaceAll('\\', '/') : expanded
}

/** Where the recipes of a library lie: the setting, else `recipes` in the first LoRA folder; undefined without either. */
export function recipesDirectory (library: Pick<Library, 'recipes_path' | 'folder_paths'>): string | undefined {
  const custom = recipesPathFrom(library.recipes_path)
  if (custom !== '') return custom
  const [first] = [...library.folder_paths.loras ?? []].sort((a, b) => a.toLowerCase() < b.toLowerCase() ? -1 : 1)
  return first === undefined ? undefined : `${first.replaceAll('\\', '/').replace(/\/+$/, '')}/recipes`
}

/** Why recipes can't lie in the new directory, or undefined. What lies in the old one is moved along by whoever keeps recipes. */
export async function findRecipesProblem (before: Library, after: Library): Promise<Refusal | undefined> {
  const path = recipesPathFrom(after.recipes_path)
  if (path !== '' && (!isAbsolute(path) || path.includes('\0'))) return refusal('path-invalid', 'recipes_path must be an absolute path')
  const from = recipesDirectory(before)
  const to = recipesDirectory(after)
  if (from === to) return undefined
  if (path !== '') {
    const unusable = await findUnusable(path)
    if (unusable) return refusal('path-unusable', `The recipe directory ${path} ${unusable}`)
  }
  if (from !== undefined && to !== undefined && containedIn(from, to) && await holdsFiles(from)) {
    return refusal('recipes-nested', `The new recipe directory lies inside the one that its files would be moved from (${from})`)
  }
  return undefined
}

async function findUnusable (path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined)
  if (found && !found.isDirectory()) return 'is not a directory'
  if (found) return await mayWrite(path) ? undefined : 'can\'t be written'
  const parent = await nearestExisting(dirname(path))
  return await mayWrite(parent) ? undefined : 'can\'t be created'
}

async function nearestExisting (path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined)
  return found || dirname(path) === path ? path : await nearestExisting(dirname(path))
}

async function mayWrite (path: string): Promise<boolean> {
  return await stat(path).then(async (found) => {
    if (!found.isDirectory()) return false
    await access(path, constants.W_OK | constants.X_OK)
    return true
  }).catch(() => false)
}

async function holdsFiles (path: string): Promise<boolean> {
  const entries = await readdir(path, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    // a directory that can't be listed may hold anything
    if (error.code === 'ENOENT') return []
    return undefined
  })
  if (!entries || entries.some((entry) => !entry.isDirectory())) return true
  for (const entry of entries) if (await holdsFiles(join(path, entry.name))) return true
  return false
}

function refusal (code: string, reason: string): Refusal {
  return { code, reason }
}
