import { randomUUID } from 'node:crypto'
import { type Clock, isoTime, systemClock } from './clock.ts'
import { createCoalescer } from './coalescer.ts'
import { createFeed } from './feed.ts'
import { createLegacyChannel, type LegacyChannelState } from './legacy-channel.ts'
import type { EventName } from './events.ts'
import type { FeedFrame, LegacyChannel, ProgressHub } from './types.ts'

type Frame = Record<string, unknown>

const RING_CAPACITY = 10_000
const COALESCE_MS = 100
const CATCH_UP_MS = 250
const DAY_MS = 24 * 60 * 60 * 1000
const TERMINAL = new Set(['completed', 'failed', 'cancelled', 'skipped', 'error'])
const RUNNING = new Set(['started', 'processing', 'cleaning', 'running', 'paused', 'downloading'])

/** Progress events come as fast as work goes; of those with one key only the newest matters. */
const coalescedEvents: Partial<Record<EventName, (data: Frame) => string>> = {
  'job.progress': (data) => `job:${text(data.id)}`,
  'scan.progress': (data) => `scan:${text(data.model_type)}:${text(data.root)}`
}
/** Events that must not overtake the waiting progress of the same key. */
const flushingEvents: Partial<Record<EventName, (data: Frame) => string>> = {
  'job.finished': (data) => `job:${text(data.id)}`
}

function text (value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** The key under which a channel keeps a frame when the caller names none; undefined keeps nothing. */
function defaultKey (channel: LegacyChannel, frame: Frame): string | undefined {
  if (channel === 'init') return text(frame.pageType) || text(frame.scanner_type) || 'global'
  return channel === 'download' ? text(frame.download_id) || undefined : undefined
}

function createChannels (monotonic: () => number): Record<LegacyChannel, LegacyChannelState> {
  const forever = (): number => Infinity
  return {
    init: createLegacyChannel({ replay: () => true, lifetime: forever, monotonic }),
    // The dialogs of existing clients take any frame's `status`: a new socket sees only jobs that run, never the end of an earlier one.
    fetch: createLegacyChannel({
      replay: (_key, frame) => RUNNING.has(text(frame.status)) && frame.type !== undefined, lifetime: forever, monotonic
    }),
    download: createLegacyChannel({
      replay: (key, _frame, id) => key === id,
      lifetime: (frame) => TERMINAL.has(text(frame.status)) || Number(frame.progress) >= 100 ? DAY_MS : Infinity,
      monotonic
    })
  }
}

/** The one hub: every frame and event leaves the process through it. */
export function createProgressHub ({ clock = systemClock }: { clock?: Clock } = {}): ProgressHub {
  const epoch = randomUUID()
  const feed = createFeed(epoch, RING_CAPACITY)
  const channels = createChannels(() => clock.monotonic?.() ?? clock.now())
  const coalescer = createCoalescer(COALESCE_MS)

  const catchUp = setInterval(() => {
    feed.catchUp()
    for (const channel of Object.values(channels)) channel.catchUp()
  }, CATCH_UP_MS).unref()

  function emit (type: EventName, data: unknown, refs: { operation?: string, job?: string }): void {
    const frame: FeedFrame = { seq: feed.nextSeq, epoch, time: isoTime(clock), type, ...refs, data }
    feed.append(JSON.stringify(frame))
  }

  return {
    epoch,
    get clients () {
      return { feed: feed.size, fetch: channels.fetch.size, init: channels.init.size, download: channels.download.size }
    },
    publish (type, data, refs = {}) {
      const key = coalescedEvents[type]?.(data as Frame)
      if (key !== undefined) {
        coalescer.offer(key, () => { emit(type, data, refs) })
        return
      }
      const flushed = flushingEvents[type]?.(data as Frame)
      if (flushed !== undefined) coalescer.flush(flushed)
      emit(type, data, refs)
    },
    broadcast (channel, frame, { key = defaultKey(channel, frame), coalesce = false } = {}) {
      const state = channels[channel]
      if (key !== undefined) state.keep(key, frame)
      const lane = key ?? text(frame.type)
      const slot = `${channel}:${lane}`
      const send = (): void => { state.send(frame, lane, channel === 'download' ? key ?? '' : undefined) }
      if (coalesce) {
        coalescer.offer(slot, send)
        return
      }
      coalescer.flush(slot)
      send()
    },
    snapshot: (channel, key) => channels[channel].snapshot(key),
    forgetSnapshot (channel, key) { channels[channel].forget(key) },
    attach: (channel, sink, id) => channels[channel].attach(sink, id),
    subscribe: (sink, after) => feed.subscribe(sink, after),
    close () {
      coalescer.close()
      clearInterval(catchUp)
    }
  }
}
