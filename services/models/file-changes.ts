import { statSync, type Stats } from 'node:fs'
import type { KnownModel } from './store.ts'

/** Whether it is still the file whose content was hashed. */
export function isSameContent (known: Pick<KnownModel, 'file_size' | 'file_mtime'>, stats: { size: number, mtimeMs: number }): boolean {
  return known.file_size === stats.size && known.file_mtime === stats.mtimeMs
}

/** Facts of a file, or undefined when it is not there or cannot be reached. */
export function statFile (path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === undefined) throw error
    return undefined
  }
}
