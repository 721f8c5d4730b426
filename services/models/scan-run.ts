import type { Walk } from '../files/walk.ts'
import type { Pulse } from '../workers/pulse.ts'
import type { KnownTable } from './known-table.ts'
import type { ScanBatches } from './scan-batches.ts'
import type { Candidates } from './scan-candidates.ts'
import type { ScanLanes } from './scan-crew.ts'
import type { DescribeFile, ScanMessage, ScanReport, ScanRequest } from './scan-types.ts'
import type { ModelStore } from './store.ts'

export interface ReconcileDeps {
  store: ModelStore
  describe: DescribeFile
  pulse: Pulse
  /** Other threads for so many files, null when it is not worth it. */
  lanes? (files: number): ScanLanes | null
  post (message: ScanMessage): void
}

/** One run of a scan: what it was asked, what it met, and what came of it. */
export interface Run extends ReconcileDeps {
  request: ScanRequest
  walk: Walk
  known: KnownTable
  candidates: Candidates
  batches: ScanBatches
  /** Lines whose files are gone from their place, by identity of the file. */
  departed: Map<string, number>
  /** So much is new that the bytes of sidecars are taken in after the list is complete. */
  sidecarsLater: boolean
  moved: Set<number>
  /** Lines whose files were listed and then turned out to be none. */
  gone: number[]
  report: ScanReport
}

/** How many unreadable directories and files are named. */
export const UNREAD_TOLD = 20

/** A file keeps all four when it is moved on its disk; a new file on a reused inode has another time. */
export function identityOf (dev: number, inode: number, size: number, mtimeMs: number): string {
  return `${dev}:${inode}:${size}:${mtimeMs}`
}

export function noteUnread ({ report }: Pick<Run, 'report'>, path: string, code: string): void {
  report.unreadCount++
  if (report.unread.length < UNREAD_TOLD) report.unread.push({ path, code })
}
