import { readFile, stat } from 'node:fs/promises'
import type { UsageCounts } from '../models/ports.ts'

export interface UsageCountsDeps {
  /** `<settings dir>/stats/lora_manager_stats.json`, possibly written by another program. */
  file: string
  /** Milliseconds, monotonic. */
  now?: () => number
  /** Told when the file cannot be used; counts known before stay. */
  warn?: (message: string, error: unknown) => void
}

export interface UsageCountsFile extends UsageCounts {
  /** Reads the file when it changed; joined by everyone who asks meanwhile. */
  refresh (): Promise<void>
}

/** The file is looked at again no sooner than this after the last look. */
const LOOK_EVERY_MS = 2000
const BUCKETS = ['loras', 'checkpoints', 'embeddings'] as const

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** A count is `{total, history}`, in files of old a plain number. */
function totalOf (value: unknown): number {
  const total = isObject(value) ? value.total : value
  return typeof total === 'number' && Number.isFinite(total) && total > 0 ? Math.floor(total) : 0
}

function readCounts (text: string): Map<string, number> {
  const document: unknown = JSON.parse(text)
  const counts = new Map<string, number>()
  if (!isObject(document)) return counts
  for (const name of BUCKETS) {
    const bucket = document[name]
    if (!isObject(bucket)) continue
    for (const [hash, value] of Object.entries(bucket)) {
      const total = totalOf(value)
      if (total > 0) counts.set(hash.toLowerCase(), (counts.get(hash.toLowerCase()) ?? 0) + total)
    }
  }
  return counts
}

/** How often each model was used, as the counters on disk say; the file is read again when it changes. */
export function createUsageCounts (deps: UsageCountsDeps): UsageCountsFile {
  const now = deps.now ?? (() => performance.now())
  let counts = new Map<string, number>()
  let version = 0
  let seen = ''
  let lookedAt = -Infinity
  let running: Promise<void> | undefined

  async function look (): Promise<void> {
    try {
      const { size, mtimeMs } = await stat(deps.file)
      const identity = `${size}:${mtimeMs}`
      if (identity === seen) return
      counts = readCounts(await readFile(deps.file, 'utf8'))
      seen = identity
      version++
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return forget()
      deps.warn?.('The usage counters could not be read', error)
    }
  }

  function forget (): void {
    if (seen === '') return
    counts = new Map()
    seen = ''
    version++
  }

  function refresh (): Promise<void> {
    lookedAt = now()
    running ??= look().finally(() => { running = undefined })
    return running
  }

  return {
    get version () {
      if (now() - lookedAt >= LOOK_EVERY_MS) refresh().catch((error: unknown) => { deps.warn?.('The usage counters could not be read', error) })
      return version
    },
    count: (model) => model.sha256 === '' ? 0 : counts.get(model.sha256.toLowerCase()) ?? 0,
    refresh
  }
}
