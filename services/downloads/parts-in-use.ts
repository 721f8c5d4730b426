import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { ConflictError } from '../errors.ts'
import type { PartStore } from './part-store.ts'
import type { DownloadPlan } from './plan.ts'

/** Which `.part` files are being written now, so that no two downloads share one. */
export interface PartsInUse {
  /** The path of the part for a plan. @throws ConflictError when this very file is being loaded into the same folder */
  take (plan: Pick<DownloadPlan, 'directory' | 'stem' | 'extension' | 'identity' | 'sha256'>): string
  release (part: string): void
}

export function createPartsInUse (parts: Pick<PartStore, 'find'>): PartsInUse {
  const inUse = new Map<string, string>()

  /** A part of another file is left alone: its own download may go on with it. */
  function isFree (part: string, identity: string, sha256: string | null): boolean {
    if (inUse.has(part)) return false
    if (!existsSync(part)) return true
    const row = parts.find(part)
    return row ? row.identity === identity : sha256 !== null
  }

  return {
    take ({ directory, stem, extension, identity, sha256 }) {
      const usual = `${directory}/${stem}${extension}.part`
      const mark = createHash('sha256').update(identity).digest('hex').slice(0, 8)
      const part = isFree(usual, identity, sha256) ? usual : `${directory}/${stem}.${mark}${extension}.part`
      if (inUse.get(usual) === identity || inUse.has(part)) throw new ConflictError('This file is being downloaded already', 'download-running')
      inUse.set(part, identity)
      return part
    },
    release (part) { inUse.delete(part) }
  }
}
