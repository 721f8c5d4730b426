import { promises as fs } from 'node:fs'
import { dirname, sep } from 'node:path'
import { createGrowingCache } from '../growing-cache.ts'
import { ForbiddenPathError, OfflineError, PathOutsideLibraryError } from '../errors.ts'
import { containedIn, normalizeClientPath } from '../files/safe-path.ts'
import type { ModelLibrary } from './ports.ts'

/** What is known of a preview path that may be served. */
export interface PreviewVerdict {
  /** In the user's spelling, as entries hold it. */
  path: string
  /** Where the links lead. */
  real: string
  mediaType: string
  /** On a local disk, where asking for a file's facts takes microseconds; others are asked off the loop. */
  local: boolean
}

export interface PreviewVerdictDeps {
  libraries: readonly Pick<ModelLibrary, 'contain' | 'roots'>[]
  /** Further folders whose media may be served (recipes). */
  folders: () => readonly string[]
  /** MIME type of a file name that is a preview, else undefined. */
  mediaTypeOf: (path: string) => string | undefined
}

export interface PreviewVerdicts {
  known (path: string): PreviewVerdict | undefined
  /**
   * @returns the verdict, or undefined when there is no such file
   * @throws InvalidInputError, ForbiddenPathError, OfflineError
   */
  find (path: string): Promise<PreviewVerdict | undefined>
  forget (path: string): void
  /** To be called when roots may have changed. */
  clear (): void
}

const KEPT_PATHS = 20_000
const KEPT_FOLDERS = 5_000
/** How long a link may be retargeted, or a disk be mounted over a folder, before we look again. */
const TRUSTED_MS = 15_000

/** statfs magic numbers of file systems on local disks: ext2-4, xfs, btrfs, f2fs, zfs, tmpfs, overlayfs, bcachefs. */
const LOCAL_FILE_SYSTEMS = new Set([0xEF53, 0x58465342, 0x9123683E, 0xF2F52010, 0x2FC12FC1, 0x01021994, 0x794C7630, 0xCA451A4E])

/** Error codes that mean "no such file" as opposed to "can't tell now". */
const GONE = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'])

/** Tells a vanished file (undefined) from a disk that does not answer. @throws ForbiddenPathError, OfflineError */
export function whenUnreadable (error: unknown): undefined {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  if (GONE.has(code)) return undefined
  if (code === 'EACCES' || code === 'EPERM') throw new ForbiddenPathError('The preview may not be read')
  throw new OfflineError('The preview cannot be read at the moment', 'preview-unreadable')
}

const withSlashes = (path: string): string => sep === '/' ? path : path.replaceAll(sep, '/')

/** Decides which files may be served as previews; a request never widens what is allowed. */
export function createPreviewVerdicts (deps: PreviewVerdictDeps): PreviewVerdicts {
  const verdicts = createGrowingCache<PreviewVerdict>(KEPT_PATHS, { ttl: TRUSTED_MS })
  const localFolders = createGrowingCache<boolean>(KEPT_FOLDERS, { ttl: 4 * TRUSTED_MS })
  let realFolders: Promise<string[]> | undefined
  let realFoldersUntil = 0

  function inLibrary (path: string): string | undefined {
    for (const library of deps.libraries) {
      try {
        return library.contain(path).path
      } catch (error) {
        if (!(error instanceof PathOutsideLibraryError)) throw error
      }
    }
    return undefined
  }

  /** Roots may be links themselves; their real spelling is allowed too. Asked only for paths outside every spelling. */
  function realSpellings (): Promise<string[]> {
    const now = performance.now()
    if (!realFolders || now > realFoldersUntil) {
      realFoldersUntil = now + TRUSTED_MS
      const folders = [...deps.libraries.flatMap((library) => library.roots().map((root) => root.path)), ...deps.folders()]
      realFolders = Promise.all(folders.map((folder) => fs.realpath(folder).catch(() => folder)))
    }
    return realFolders
  }

  async function contain (path: string): Promise<string> {
    const inRoot = inLibrary(path)
    if (inRoot !== undefined) return inRoot
    if (deps.folders().some((folder) => containedIn(withSlashes(folder), path))) return path
    if ((await realSpellings()).some((folder) => containedIn(withSlashes(folder), path))) return path
    throw new ForbiddenPathError()
  }

  async function isLocal (folder: string): Promise<boolean> {
    const known = localFolders.get(folder)
    if (known !== undefined) return known
    const local = await fs.statfs(folder).then((facts) => LOCAL_FILE_SYSTEMS.has(facts.type >>> 0), () => false)
    localFolders.set(folder, local)
    return local
  }

  async function find (given: string): Promise<PreviewVerdict | undefined> {
    const path = await contain(normalizeClientPath(given))
    if (deps.mediaTypeOf(path) === undefined) throw new ForbiddenPathError()
    const real = await fs.realpath(path).catch(whenUnreadable)
    if (real === undefined) return undefined
    const mediaType = deps.mediaTypeOf(real)
    if (mediaType === undefined) throw new ForbiddenPathError()
    const verdict = { path, real, mediaType, local: await isLocal(dirname(real)) }
    verdicts.set(given, verdict)
    return verdict
  }

  return {
    known: (path) => verdicts.get(path),
    find,
    forget: (path) => { verdicts.delete(path) },
    clear () {
      verdicts.clear()
      localFolders.clear()
      realFolders = undefined
    }
  }
}
