import { readdir, stat } from 'node:fs/promises'
import { stemOf } from './file-set.ts'
import { foundFile } from './found-file.ts'
import { createPreviewFinder, type DirectoryNames } from './preview-file.ts'
import type { FoundFile, ScanRoot } from './scan-types.ts'

/**
 * Looks at one model file and what lies beside it; undefined when it is not there (or is none).
 * `listings` keeps directories that were listed, for looking at many files of one at a time when nothing changes.
 * @throws the file system's error when it cannot be looked at
 */
export async function inspectFile (path: string, root: ScanRoot, listings?: Map<string, DirectoryNames>): Promise<FoundFile | undefined> {
  const slash = path.lastIndexOf('/')
  const directory = path.slice(0, slash)
  const name = path.slice(slash + 1)
  try {
    const stats = await stat(path)
    if (!stats.isFile() || stats.size === 0 || stemOf(name) === '') return undefined
    const names = listings?.get(directory) ?? createPreviewFinder(new Set(await readdir(directory)))
    listings?.set(directory, names)
    const folder = directory.length > root.path.length ? directory.slice(root.path.endsWith('/') ? root.path.length : root.path.length + 1) : ''
    return foundFile({ root, path, directory, folder, name, stats, names })
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}
