import { directoryKey } from '../files/walk.ts'

/** Whether a path still leads to the directory that was listed with this key. */
export function isSameDirectory (path: string, key: string | undefined): boolean {
  try {
    // Of two spellings of one directory the second was not listed and has no key.
    return key === undefined || directoryKey(path) === key
  } catch {
    // whatever the reason: it is not the directory that was listed
    return false
  }
}
