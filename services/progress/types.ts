import type { EventName, EventPayload } from './events.ts'

/** One frame of the v1 feed. `seq` grows by one within an `epoch` (one run of the process). */
export interface FeedFrame {
  seq: number
  epoch: string
  /** ISO 8601 UTC */
  time: string
  type: EventName
  operation?: string
  job?: string
  data: unknown
}

/** The sockets that existing clients know. `init` replays its last frame per page to a new socket. */
export type LegacyChannel = 'fetch' | 'init' | 'download'

/** Anything that takes text frames: a WebSocket, or an SSE response behind the same shape. */
export interface FrameSink {
  /** `position` is `<epoch>:<seq>` for frames of the v1 feed (the event id of SSE). */
  send (text: string, position?: string): void
  /** Bytes queued and not yet sent; a slow reader is passed over rather than waited for. */
  readonly bufferedAmount: number
  /** Called when the hub gives up on a reader that has stopped reading. */
  close? (): void
}

/** Frames are kept as snapshots and may be sent later: callers hand over fresh objects and never change them afterwards. */
export interface ProgressHub {
  readonly epoch: string
  /** How many readers are connected to the v1 feed and to each legacy channel. */
  readonly clients: Readonly<Record<'feed' | LegacyChannel, number>>
  /** Puts a typed event on the v1 feed. */
  publish<Name extends EventName> (type: Name, data: EventPayload<Name>, refs?: { operation?: string, job?: string }): void
  /**
   * Sends a frame to every socket of a legacy channel and keeps it as the channel's last snapshot under `key`.
   * `coalesce` frames of one key are sent at most ten times a second, the last one always.
   */
  broadcast (channel: LegacyChannel, frame: Record<string, unknown>, options?: { key?: string, coalesce?: boolean }): void
  /** The very frame that was last broadcast under the key, for polling routes. */
  snapshot (channel: LegacyChannel, key: string): Record<string, unknown> | undefined
  forgetSnapshot (channel: LegacyChannel, key: string): void
  /** Connects a socket; returns the function that disconnects it. For `download`, only frames of `id` are sent. */
  attach (channel: LegacyChannel, sink: FrameSink, id?: string): () => void
  /**
   * Connects to the v1 feed. `after` is `<epoch>:<seq>`; frames since then are replayed from the ring,
   * an unknown or too old position gets `{"type":"resync"}` first. Returns the function that disconnects.
   */
  subscribe (sink: FrameSink, after?: string): () => void
  close (): void
}
