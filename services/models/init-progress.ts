import type { ProgressHub } from '../progress/types.ts'

/** The frames of `/ws/init-progress` for one type, in the wording that clients parse. */
export interface InitProgress {
  loading (): void
  /** Rows of an earlier run were found. */
  restored (): void
  scanning (): void
  counted (models: number): void
  processed (done: number, total: number): void
  /** Everything was read and is being put in order. */
  finishing (): void
  /** The last frame of every start, also of a failed one: the page is usable from here on. Never close behind `finishing`. */
  complete (options?: { error?: string }): void
  close (): void
}

const FRAME_MS = 500

export function createInitProgress (hub: Pick<ProgressHub, 'broadcast'>, type: { name: string, prefix: string, label: string }): InitProgress {
  let percent = 1
  let sent = 0
  let finishingAt = -Infinity
  let last: NodeJS.Timeout | null = null

  function send (stage: string, progress: number, details: string, extra: Record<string, unknown> = {}): void {
    hub.broadcast('init', { stage, progress, details, scanner_type: type.name, pageType: type.prefix, ...extra }, { key: type.prefix })
  }

  function finish (error: string | undefined): void {
    send('finalizing', 100, error === undefined ? `${type.label} library is ready` : `${type.label} library could not be read`, { status: 'complete', ...(error !== undefined && { error }) })
  }

  return {
    loading () { send('loading_cache', 0, `Loading ${type.label} library`) },
    restored () { send('loading_cache', 1, `Loading known ${type.label} files`) },
    scanning () {
      percent = 1
      send('scan_folders', 0, `Scanning ${type.label} folders`)
    },
    counted (models) { send('count_models', 1, `Found ${models} ${type.label} files`) },
    processed (done, total) {
      const now = performance.now()
      const next = Math.min(99, Math.floor(1 + 98 * done / Math.max(total, 1)))
      if (next <= percent || (now - sent <= FRAME_MS && done < total)) return
      percent = next
      sent = now
      send('process_models', next, `Processing ${type.label} files: ${done}/${total}`)
    },
    finishing () {
      finishingAt = performance.now()
      send('finalizing', 99, `Finishing ${type.label} library`)
    },
    complete ({ error } = {}) {
      if (last) clearTimeout(last)
      last = null
      const early = finishingAt + FRAME_MS - performance.now()
      if (early <= 0) return finish(error)
      last = setTimeout(() => { finish(error) }, early)
      last.unref()
    },
    close () {
      if (last) clearTimeout(last)
    }
  }
}
