import { createHash } from 'node:crypto'
import { closeSync, openSync, readFileSync, readSync, readdirSync, type Dirent } from 'node:fs'
import { join } from 'node:path'

export interface FoundModel { path: string, sha256: string }
export interface FoundSidecar { path: string, document: Record<string, unknown> | null }

/** Everything below the roots of a library, read anew. */
export interface DiskState {
  /** In place. */
  models: FoundModel[]
  sidecars: FoundSidecar[]
  /** Previews and other images in place. */
  media: string[]
  /** What belongs to nothing that is known. */
  others: string[]
  trash: { models: FoundModel[], sidecars: FoundSidecar[] }
}

const TRASH = '.modelshelf-trash'
const MEDIA = /\.(webp|png|jpe?g|gif|mp4|webm)$/
const SIDECAR = '.metadata.json'

export function readDisk (roots: readonly string[]): DiskState {
  const state: DiskState = { models: [], sidecars: [], media: [], others: [], trash: { models: [], sidecars: [] } }
  for (const root of roots) {
    for (const path of files(root, TRASH)) place(state, path)
    for (const path of files(join(root, TRASH))) placeTrashed(state, path)
  }
  return state
}

function place (state: DiskState, path: string): void {
  if (path.endsWith('.safetensors')) state.models.push({ path, sha256: hashOf(path) })
  else if (path.endsWith(SIDECAR)) state.sidecars.push({ path, document: parse(path) })
  else if (MEDIA.test(path)) state.media.push(path)
  else state.others.push(path)
}

/** In the trash names tell nothing: what a file is, its bytes say. */
function placeTrashed (state: DiskState, path: string): void {
  if (path.endsWith('manifest.json')) return
  const head = readFileSync(path).subarray(0, 9)
  if (head[8] === 0x7b && head[7] === 0) state.trash.models.push({ path, sha256: hashOf(path) })
  else if (head[0] === 0x7b) state.trash.sidecars.push({ path, document: parse(path) })
}

/** Full paths of the files below a directory, links among them. */
function files (directory: string, leaveOut?: string): string[] {
  return list(directory).flatMap((entry) => {
    if (entry.name === leaveOut) return []
    const path = `${directory}/${entry.name}`
    return entry.isDirectory() ? files(path, leaveOut) : [path]
  })
}

function list (directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function parse (path: string): Record<string, unknown> | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

export function hashOf (path: string): string {
  const hash = createHash('sha256')
  const block = Buffer.allocUnsafe(1024 * 1024)
  const file = openSync(path, 'r')
  try {
    for (let count = readSync(file, block); count > 0; count = readSync(file, block)) hash.update(block.subarray(0, count))
  } finally {
    closeSync(file)
  }
  return hash.digest('hex')
}
