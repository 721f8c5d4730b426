import { InvalidInputError } from '../errors.ts'
import type { Root } from './types.ts'

/**
 * The one place where paths that come from outside are read. Everything here is lexical: no disk, no links resolved,
 * so an answer never tells whether something exists. Links are judged by whoever walks the disk.
 */

const MAX_PATH_LENGTH = 4096
const WINDOWS = process.platform === 'win32'

/**
 * Brings an absolute path into the spelling of the path space: `/` as separator, no doubled or trailing one,
 * `.` and `..` resolved.
 * @throws InvalidInputError for text that is empty, relative, too long, holds NUL or names a device namespace
 */
export function normalizeClientPath (text: string, windows = WINDOWS): string {
  if (text === '') throw new InvalidInputError('A path is required', 'path-invalid')
  if (text.length > MAX_PATH_LENGTH) throw new InvalidInputError('The path is too long', 'path-invalid')
  if (text.includes('\0')) throw new InvalidInputError('The path contains a NUL character', 'path-invalid')
  const slashed = text.replaceAll('\\', '/')
  const { prefix, rest } = splitPrefix(slashed, windows)
  const segments: string[] = []
  for (const segment of rest.split('/')) {
    if (segment === '' || segment === '.') continue
    if (segment === '..') segments.pop()
    else segments.push(windows ? withoutTrailingDots(segment) : segment)
  }
  const tail = segments.join('/')
  return tail === '' ? prefix : `${prefix}${prefix.endsWith('/') ? '' : '/'}${tail}`
}

function splitPrefix (slashed: string, windows: boolean): { prefix: string, rest: string } {
  if (!windows) {
    if (!slashed.startsWith('/')) throw new InvalidInputError('The path must be absolute', 'path-invalid')
    return { prefix: '/', rest: slashed }
  }
  const drive = /^([A-Za-z]:)\/(.*)$/s.exec(slashed)
  if (drive) return { prefix: `${drive[1]}/`, rest: drive[2] ?? '' }
  // `//?/` and `//./` switch off the very normalisation that containment relies on
  const share = /^\/\/([^/?.][^/]*)\/([^/]+)(.*)$/s.exec(slashed)
  if (share) return { prefix: `//${share[1]}/${share[2]}`, rest: share[3] ?? '' }
  throw new InvalidInputError('The path must be absolute', 'path-invalid')
}

/** Windows drops trailing dots and spaces of a name when it opens it, so two spellings would be one file. */
function withoutTrailingDots (segment: string): string {
  const end = segment.length
  let keep = end
  while (keep > 0 && (segment[keep - 1] === '.' || segment[keep - 1] === ' ')) keep--
  if (keep === 0) throw new InvalidInputError('The path contains an empty name', 'path-invalid')
  return keep === end ? segment : segment.slice(0, keep)
}

/** Two spellings with the same key are the same path to the file system (case is folded on Windows only). */
export function pathKey (path: string, windows = WINDOWS): string {
  return windows ? path.toLowerCase() : path
}

/**
 * Whether a normalised path is the root or lies below it, by whole components: `/m/lora2` is not in `/m/lora`.
 */
export function containedIn (rootPath: string, path: string, windows = WINDOWS): boolean {
  const root = pathKey(rootPath, windows)
  const candidate = pathKey(path, windows)
  return candidate === root || candidate.startsWith(root.endsWith('/') ? root : `${root}/`)
}

/** The part of a contained path below its root, `/`-separated, "" for the root itself; undefined when it is not contained. */
export function relativeInside (rootPath: string, path: string): string | undefined {
  if (!containedIn(rootPath, path)) return undefined
  return path.slice(rootPath.endsWith('/') ? rootPath.length : rootPath.length + 1)
}

/** The root that holds the normalised path; of nested roots the innermost, of equal ones the first. */
export function longestMatchingRoot<T extends Pick<Root, 'path'>> (roots: readonly T[], path: string): T | undefined {
  let best: T | undefined
  for (const root of roots) {
    if (containedIn(root.path, path) && (best === undefined || root.path.length > best.path.length)) best = root
  }
  return best
}
