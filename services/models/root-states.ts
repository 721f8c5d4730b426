import type { RootFinding, ScanRoot } from './scan-types.ts'

export interface RootCount {
  /** Rows that the root has. */
  known: number
  /** Of these, how many were found, where they were or moved. */
  found: number
  /** Model files listed below it, known or not. */
  listed: number
}

/** From this many known files on, a root that shows fewer than half of them is suspected to be another disk. */
const SUSPECT_FROM = 20

/**
 * Whether what a root shows may be believed. Only an `online` root has rows removed;
 * a disk that is away, empty or another one must never look like a user who deleted everything.
 */
export function judgeRoot (root: ScanRoot, error: string | null, count: RootCount = { known: 0, found: 0, listed: 0 }): RootFinding {
  const online: RootFinding = { id: root.id, state: 'online', reason: null }
  if (root.hung) return { id: root.id, state: 'offline', reason: 'The disk does not answer' }
  if (root.accepted) return online
  if (error !== null) return { id: root.id, state: 'offline', reason: reasonOf(error) }
  if (count.known > 0 && count.found === 0 && count.listed === 0) return { id: root.id, state: 'offline', reason: `The folder is empty; ${count.known} models were known there` }
  if (count.known >= SUSPECT_FROM && count.found * 2 < count.known) {
    return { id: root.id, state: 'suspect', reason: `Only ${count.found} of ${count.known} known models are there` }
  }
  return online
}

function reasonOf (code: string): string {
  switch (code) {
    case 'ENOENT': return 'The folder does not exist'
    case 'ENOTDIR': return 'The path is not a folder'
    case 'EACCES':
    case 'EPERM': return 'The folder may not be read'
    case 'EGONE': return 'The folder went away during the scan'
    default: return `The folder cannot be read (${code})`
  }
}
