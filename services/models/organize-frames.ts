import type { ProgressHub } from '../progress/types.ts'

/** Key of the last frame, for polling. */
export const ORGANIZE_SNAPSHOT = 'auto_organize_progress'

export interface OrganizeCounts { total: number, processed: number, success: number, failures: number, skipped: number }

/** The frames of one run on the channel 'fetch'. After an end nothing more is sent. */
export interface OrganizeFrames {
  readonly counts: Readonly<OrganizeCounts>
  started (total: number): void
  count (what: 'success' | 'failures' | 'skipped'): void
  cleaning (): void
  completed (cleanup: Record<string, number>): void
  cancelled (): void
  failed (message: string): void
}

/** Models between two frames. */
const EVERY = 50

export function createOrganizeFrames (hub: Pick<ProgressHub, 'broadcast'>, operationType: 'all' | 'bulk', onCount: (counts: OrganizeCounts) => void): OrganizeFrames {
  const counts: OrganizeCounts = { total: 0, processed: 0, success: 0, failures: 0, skipped: 0 }
  let told = -1
  let ended = false

  function send (status: string, further: Record<string, unknown> = {}): void {
    if (ended) return
    hub.broadcast('fetch', { type: ORGANIZE_SNAPSHOT, status, ...counts, ...further, operation_type: operationType }, { key: ORGANIZE_SNAPSHOT })
  }

  function processing (): void {
    told = counts.processed
    send('processing')
  }

  return {
    counts,
    started (total) {
      counts.total = total
      send('started')
    },
    count (what) {
      counts[what]++
      counts.processed++
      onCount(counts)
      if (counts.processed % EVERY === 0) processing()
    },
    cleaning () {
      if (told !== counts.processed) processing()
      send('cleaning', { message: 'Removing folders that became empty' })
    },
    completed (cleanup) {
      send('completed', { cleanup })
      ended = true
    },
    cancelled () {
      send('cancelled')
      ended = true
    },
    failed (message) {
      send('error', { error: message })
      ended = true
    }
  }
}
