import type { ClientQueue } from './client-queue.ts'
import type { LiveProgress } from './live-progress.ts'
import type { DownloadRecord } from './types.ts'

/** Keeps the clients' list in step with what runs under the ids in it; ids that are not in it are passed over. */
export interface ClientQueueNotes {
  started (id: string): void
  progressed (id: string, live: LiveProgress): void
  waiting (id: string): void
  paused (id: string): void
  resumed (id: string): void
  ended (record: DownloadRecord, live: LiveProgress | undefined): void
}

const words = { succeeded: 'completed', skipped: 'skipped', failed: 'failed', cancelled: 'canceled' } as const

/** A list that can't be written is no reason to stop a download. */
export function createClientQueueNotes (queue: ClientQueue, warn: (message: string, error: unknown) => void): ClientQueueNotes {
  function note (work: () => unknown): void {
    try {
      work()
    } catch (error) {
      warn('the list of downloads could not be written', error)
    }
  }

  const status = (word: string) => (id: string): void => { note(() => queue.setStatus(id, word)) }
  return {
    started: status('downloading'),
    waiting: status('waiting'),
    paused: status('paused'),
    resumed: status('downloading'),
    progressed (id, { percent, bytes, total, rate }) {
      note(() => { queue.note(id, { progress: percent, bytes_downloaded: bytes, total_bytes: total, bytes_per_second: rate }) })
    },
    ended ({ id, state, result, error }, live) {
      const word = state in words ? words[state as keyof typeof words] : 'failed'
      note(() => queue.complete(id, {
        status: word,
        error: error?.message ?? null,
        file_path: result?.file_path ?? null,
        bytes_downloaded: live?.bytes ?? result?.bytes ?? 0,
        total_bytes: live?.total ?? (result?.bytes || null)
      }))
    }
  }
}
