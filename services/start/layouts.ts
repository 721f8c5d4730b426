import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import { InvalidInputError } from '../errors.ts'
import type { FolderKey } from '../models/types.ts'
import type { FolderPaths } from '../settings/types.ts'

export type LayoutName = 'comfyui' | 'a1111' | 'plain' | 'empty'

export interface RecognisedLayout {
  /** Absolute folders under the settings' keys; only keys that have one are present. */
  folder_paths: FolderPaths
  layout: LayoutName
}

/** Folder names, lower-cased, to the key of the settings they fill. */
const folderNames: Record<string, FolderKey> = {
  loras: 'loras',
  lora: 'loras',
  lycoris: 'loras',
  checkpoints: 'checkpoints',
  'stable-diffusion': 'checkpoints',
  unet: 'unet',
  diffusion_models: 'unet',
  embeddings: 'embeddings'
}
/** Names that only the A1111 family uses. */
const a1111Names = new Set(['lora', 'lycoris', 'stable-diffusion'])

const GUESS_DEPTH = 3
const GUESS_FILES = 500
const LARGE_WEIGHTS = 2 * 1024 ** 3
const SMALL_PICKLE = 64 * 1024 ** 2

/**
 * Finds the model folders below one folder: a models folder of ComfyUI or A1111/Forge, the root of such an
 * installation (with `models/` inside), one folder of a known name, or plain folders of model files.
 * Reads names and sizes only. @throws InvalidInputError when the folder can't be listed.
 */
export async function recogniseLayout (directory: string): Promise<RecognisedLayout> {
  const here = await directoriesOf(directory)
  const nested = here.find((path) => basename(path).toLowerCase() === 'models')
  const known = knownFolders([...here, ...(nested ? await directoriesOf(nested) : [])])
  if (known.layout !== 'empty') return known
  const own = folderNames[basename(directory).toLowerCase()]
  if (own) return { folder_paths: asFolderPaths([[own, directory]]), layout: 'plain' }
  return guessPlain(nested ?? directory)
}

/** The pure part: which of these folders bear a known name, and whose layout that is. */
export function knownFolders (directories: readonly string[]): RecognisedLayout {
  const found: [FolderKey, string][] = []
  let layout: LayoutName = 'empty'
  for (const path of directories) {
    const name = basename(path).toLowerCase()
    const key = folderNames[name]
    if (!key) continue
    found.push([key, path])
    if (a1111Names.has(name)) layout = 'a1111'
    else if (layout === 'empty') layout = 'comfyui'
  }
  return { folder_paths: asFolderPaths(found), layout }
}

/**
 * What a file is when no folder name tells: `.safetensors` below 2 GiB is a LoRA, a pickle (`.pt`, `.bin`) below
 * 64 MiB an embedding, every other weight file a checkpoint.
 */
export function guessByFile (name: string, size: number): FolderKey | null {
  const extension = extname(name).toLowerCase()
  if (extension === '.safetensors') return size < LARGE_WEIGHTS ? 'loras' : 'checkpoints'
  if (extension === '.pt' || extension === '.bin') return size < SMALL_PICKLE ? 'embeddings' : 'checkpoints'
  return ['.ckpt', '.gguf', '.sft', '.pth', '.pkl', '.pt2'].includes(extension) ? 'checkpoints' : null
}

/**
 * A folder with model files of its own is one root of the kind that most of its files have;
 * without any, each folder below it is judged by itself.
 */
async function guessPlain (directory: string): Promise<RecognisedLayout> {
  const votes = new Map<string, Map<FolderKey, number>>()
  await collectVotes(directory, directory, votes)
  const own = votes.get(directory)
  const found: [FolderKey, string][] = []
  if (own) found.push([majority([...votes.values()]), directory])
  else for (const [path, counts] of votes) found.push([majority([counts]), path])
  return { folder_paths: asFolderPaths(found), layout: found.length > 0 ? 'plain' : 'empty' }
}

async function collectVotes (top: string, directory: string, votes: Map<string, Map<FolderKey, number>>, group = top, depth = 0): Promise<void> {
  let counted = 0
  for (const entry of await entriesOf(directory)) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) {
      if (depth < GUESS_DEPTH) await collectVotes(top, path, votes, depth === 0 ? path : group, depth + 1)
      continue
    }
    if (counted >= GUESS_FILES || guessByFile(entry.name, 0) === null) continue
    const kind = guessByFile(entry.name, (await stat(path)).size)
    if (kind === null) continue
    const counts = votes.get(group) ?? new Map<FolderKey, number>()
    votes.set(group, counts.set(kind, (counts.get(kind) ?? 0) + 1))
    counted++
  }
}

function majority (votes: readonly Map<FolderKey, number>[]): FolderKey {
  const sums = new Map<FolderKey, number>()
  for (const counts of votes) for (const [key, count] of counts) sums.set(key, (sums.get(key) ?? 0) + count)
  const [best] = [...sums].sort((a, b) => b[1] - a[1])
  return best ? best[0] : 'loras'
}

function asFolderPaths (found: readonly (readonly [FolderKey, string])[]): FolderPaths {
  const paths: FolderPaths = {}
  for (const [key, path] of found) (paths[key] ??= []).push(path.replaceAll('\\', '/'))
  return paths
}

async function entriesOf (directory: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true })
    return entries.sort((a, b) => a.name < b.name ? -1 : 1).filter((entry) => !entry.name.startsWith('.'))
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    throw new InvalidInputError(`The folder ${directory} can't be read (${code ?? String(error)})`, 'models-folder-unreadable')
  }
}

async function directoriesOf (directory: string): Promise<string[]> {
  const paths: string[] = []
  for (const entry of await entriesOf(directory)) {
    const path = join(directory, entry.name)
    if (entry.isDirectory() || (entry.isSymbolicLink() && await leadsToDirectory(path))) paths.push(path)
  }
  return paths
}

async function leadsToDirectory (path: string): Promise<boolean> {
  return stat(path).then((stats) => stats.isDirectory(), () => false)
}
