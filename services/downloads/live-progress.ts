import type { ProgressHub } from '../progress/types.ts'

/** How far a running download is; every number that a client sees of it comes from here. */
export interface LiveProgress {
  readonly percent: number
  readonly bytes: number
  readonly total: number | null
  /** Bytes a second over the last five seconds. */
  readonly rate: number
  /** A stage that has no bytes: 0, 1, 3, 99 while an archive is unpacked, 100. */
  stage (percent: number): void
  /** Bytes of the file; told at most once a second. True when it was told. */
  transfer (bytes: number, total: number | null): boolean
  /** By the user, unless another reason is told. */
  paused (reason?: string): void
  resumed (): void
  /** The last word on this download. */
  ended (status: 'completed' | 'failed' | 'cancelled' | 'skipped', extra: { message?: string, error?: string }): void
}

const WINDOW_MS = 5000
const TELL_MS = 1000
/** The file's part of the scale: what comes before it takes the first three points. */
const FIRST = 3

/** `now`: milliseconds that never jump. The frame that is sent is the one that polling reads. */
export function createLiveProgress (id: string, hub: Pick<ProgressHub, 'broadcast'>, now: () => number = () => performance.now()): LiveProgress {
  let samples: { at: number, bytes: number }[] = []
  let percent = 0
  let bytes = 0
  let total: number | null = null
  let known = false
  let told = -Infinity
  let halted = false

  const rate = (): number => {
    const [first] = samples
    const last = samples.at(-1)
    return !first || !last || last.at <= first.at ? 0 : Math.max(0, (last.bytes - first.bytes) * 1000 / (last.at - first.at))
  }
  const size = (speed: number): Record<string, unknown> => known ? { bytes_downloaded: bytes, total_bytes: total, bytes_per_second: speed } : {}

  function tell (status: string, more: Record<string, unknown> = {}, speed = rate()): void {
    hub.broadcast('download', { status, progress: Math.round(percent), download_id: id, ...more, ...size(speed) }, { key: id })
  }

  return {
    get percent () { return Math.round(percent) },
    get bytes () { return bytes },
    get total () { return total },
    get rate () { return halted ? 0 : rate() },
    stage (next) {
      percent = next
      if (!halted) tell('progress')
    },
    transfer (done, whole) {
      const at = now()
      if (done < bytes) samples = []
      known = true
      bytes = done
      total = whole
      percent = FIRST + (whole ? Math.min(1, done / whole) : 0) * (100 - FIRST)
      // The end is told when the file has been looked at.
      if (percent > 99) percent = 99
      const last = samples.at(-1)
      if (!last || at - last.at >= 100) samples.push({ at, bytes: done })
      while (samples.length > 1 && at - (samples[0]?.at ?? at) > WINDOW_MS) samples.shift()
      if (halted || at - told < TELL_MS) return false
      told = at
      tell('progress')
      return true
    },
    paused (reason = 'Download paused by user') {
      if (halted) return
      halted = true
      tell('paused', { message: reason }, 0)
    },
    resumed () {
      if (!halted) return
      halted = false
      samples = []
      told = now()
      tell('downloading', { message: 'Download resumed by user' }, 0)
    },
    ended (status, extra) {
      if (status === 'completed') percent = 100
      if (status === 'cancelled' || status === 'skipped') percent = 0
      tell(status, { ...extra }, 0)
    }
  }
}
