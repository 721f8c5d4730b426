import { statSync, unlinkSync } from 'node:fs'
import { isOwnTempName } from './atomic-write.ts'
import type { Listing } from './walk.ts'

/** Removes temporary files of ours that are older than `before`: a process that was killed left them. */
export function sweepTemps (listings: readonly Pick<Listing, 'path' | 'names'>[], before: number): void {
  for (const { path, names } of listings) {
    for (const name of names) if (isOwnTempName(name)) sweepOne(`${path}/${name}`, before)
  }
}

function sweepOne (path: string, before: number): boolean {
  try {
    const stats = statSync(path, { throwIfNoEntry: false })
    if (!stats?.isFile() || stats.mtimeMs >= before) return false
    unlinkSync(path)
    return true
  } catch {
    // read-only or gone meanwhile: it hurts nobody, and the next start tries again
    return false
  }
}
