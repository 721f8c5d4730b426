import { readdirSync, realpathSync, statSync, type Dirent } from 'node:fs'

/** One directory as it was listed. */
export interface Listing {
  /** Index of the root it belongs to. */
  root: number
  /** In the user's spelling, `/` as separator. */
  path: string
  /** Relative to its root, "" at the root. */
  folder: string
  /** Files and links to anything but directories. */
  names: string[]
  /** Those of `names` that are links. */
  links: string[]
  /** Reached by a link: an empty one may be a mount that is away. */
  linked: boolean
  /** Has neither files nor directories. */
  empty: boolean
}

export interface Walk {
  listings: Listing[]
  /** Directories that could not be read, with the reason; what is known below them is neither there nor gone. */
  unread: { path: string, code: string }[]
  /** Listed directories that turned out not to exist any more (asked for by path). */
  gone: string[]
  /** Per root: null when it could be listed, else why not. */
  rootErrors: (string | null)[]
  /** Identity of every directory that belongs to the roots: path → key. */
  directories: Map<string, string>
  aborted: boolean
}

export interface WalkOptions {
  roots: readonly { path: string }[]
  /** Roots that must not be touched (their disk hangs). */
  skip: ReadonlySet<number>
  /** Lists only these directories (and what is new below them) instead of everything. */
  only?: { directories: readonly string[], known: ReadonlyMap<string, string> }
  leaveOut (directoryName: string): boolean
  /** Called before every system call that may block; answers false to stop. */
  proceed (root: number): boolean
}

interface Pending { root: number, path: string, folder: string, linked: boolean }

/**
 * Lists directories, following links. Each real directory is visited once over all roots, so loops end;
 * a root inside another root keeps what lies in it.
 */
export function walk (options: WalkOptions): Walk {
  const result: Walk = { listings: [], unread: [], gone: [], rootErrors: [], directories: new Map(), aborted: false }
  const visited = new Set<string>()
  const starts: Pending[] = []
  options.roots.forEach((root, index) => {
    result.rootErrors.push(null)
    if (options.skip.has(index)) return
    if (!options.proceed(index)) { result.aborted = true; return }
    try {
      const key = directoryKey(root.path)
      if (visited.has(key)) return
      visited.add(key)
      result.directories.set(root.path, key)
      starts.push({ root: index, path: root.path, folder: '', linked: false })
    } catch (error) {
      result.rootErrors[index] = codeOf(error)
    }
  })
  const stack = options.only ? partialStarts(options.only, starts, visited, result, options) : starts.reverse()
  while (stack.length > 0) {
    const next = stack.pop()
    if (!next) break
    if (!options.proceed(next.root)) { result.aborted = true; break }
    list(next, stack, visited, result, options)
  }
  return result
}

function partialStarts (only: NonNullable<WalkOptions['only']>, roots: Pending[], visited: Set<string>, result: Walk, options: WalkOptions): Pending[] {
  const wanted = new Set(only.directories)
  for (const [path, key] of only.known) {
    if (isBelow(path, result.gone)) continue
    if (wanted.has(path) || wanted.has(path.slice(0, path.lastIndexOf('/')))) {
      // A directory that was renamed must not count as visited, or its new name would be passed over.
      const now = currentKey(path, result)
      if (now === 'gone') { result.gone.push(path); continue }
      if (now === 'unread') continue
    }
    visited.add(key)
    result.directories.set(path, key)
  }
  return only.directories.flatMap((path) => {
    const root = roots
      .filter((candidate) => path === candidate.path || path.startsWith(`${candidate.path}/`))
      .sort((a, b) => b.path.length - a.path.length)[0]
    if (!root || !result.directories.has(path) || !options.proceed(root.root)) return []
    return [{ root: root.root, path, folder: path.slice(root.path.length + 1), linked: false }]
  })

  function currentKey (path: string, into: Walk): string {
    try {
      return directoryKey(path) === only.known.get(path) ? 'same' : 'gone'
    } catch (error) {
      const code = codeOf(error)
      if (code === 'ENOENT' || code === 'ENOTDIR') return 'gone'
      into.unread.push({ path, code })
      return 'unread'
    }
  }
}

/** Whether a path is one of the given or lies below one. */
export function isBelow (path: string, directories: readonly string[]): boolean {
  return directories.some((directory) => path === directory || path.startsWith(directory.endsWith('/') ? directory : `${directory}/`))
}

function list (at: Pending, stack: Pending[], visited: Set<string>, result: Walk, options: WalkOptions): void {
  let entries: Dirent[]
  try {
    entries = readdirSync(at.path, { withFileTypes: true })
  } catch (error) {
    noteUnread(at, codeOf(error), result, options)
    return
  }
  const listing: Listing = { root: at.root, path: at.path, folder: at.folder, names: [], links: [], linked: at.linked, empty: entries.length === 0 }
  const below: Pending[] = []
  for (const entry of entries) {
    const name = entry.name
    if (entry.isFile()) {
      listing.names.push(name)
    } else if (entry.isDirectory() || entry.isSymbolicLink()) {
      const path = `${at.path}/${name}`
      const linked = entry.isSymbolicLink()
      if (options.leaveOut(name)) continue
      const key = enter(path, linked, at.root, result, options)
      if (key === 'file') { listing.names.push(name); listing.links.push(name) }
      if (key === null || key === 'file' || visited.has(key)) continue
      visited.add(key)
      result.directories.set(path, key)
      below.push({ root: at.root, path, folder: at.folder === '' ? name : `${at.folder}/${name}`, linked: linked || at.linked })
    }
  }
  result.listings.push(listing)
  for (const next of below.reverse()) stack.push(next)
}

/** Key of a directory, `file` for a link to something else (or to nothing), null when it cannot be told. */
function enter (path: string, linked: boolean, root: number, result: Walk, options: WalkOptions): string | null {
  if (!options.proceed(root)) { result.aborted = true; return null }
  try {
    return directoryKey(path)
  } catch (error) {
    const code = codeOf(error)
    if (linked && code === 'ENOTDIR') return 'file'
    if (linked && code === 'ENOENT') {
      // A link to nothing: a model whose disk is away, or a directory on it. Both keep what is known.
      result.unread.push({ path, code })
      return 'file'
    }
    if (code !== 'ENOENT') result.unread.push({ path, code })
    return null
  }
}

function noteUnread (at: Pending, code: string, result: Walk, options: WalkOptions): void {
  if (at.folder === '' && options.roots[at.root]?.path === at.path) result.rootErrors[at.root] = code
  else if (code === 'ENOENT' || code === 'ENOTDIR') {
    result.gone.push(at.path)
    result.directories.delete(at.path)
  } else result.unread.push({ path: at.path, code })
}

/** Device and inode; the real path where a file system has no inodes. @throws with code ENOTDIR for anything else */
export function directoryKey (path: string): string {
  const stats = statSync(path, { bigint: true })
  if (!stats.isDirectory()) throw Object.assign(new Error('not a directory'), { code: 'ENOTDIR' })
  return stats.ino === 0n ? realpathSync.native(path) : `${stats.dev}:${stats.ino}`
}

function codeOf (error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'EUNKNOWN'
}
