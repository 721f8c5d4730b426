import type { Readable } from 'node:stream'

/** A destination that the program may talk to, as /api/v1/network lists it. */
export interface Destination {
  name: string
  purpose: string
  /** Origins, e.g. "https://civitai.com"; exact. Read at every request, so a getter may follow the settings. */
  readonly origins: readonly string[]
  /** Also any host of the public internet, each address checked; only for `stream`. */
  publicHosts?: boolean
  /** The switch: a request to a destination that is off is refused. */
  enabled (): boolean
  /** Name of the setting behind `enabled`, for people. */
  setting?: string
  /** Value of the Authorization header for an address of one of the origins, null for none. Never asked for the hop of a redirect to another origin. */
  authorization? (url: URL): string | null
  /** For hosts that bear less or more than the rest. */
  budget?: Partial<BudgetLimits>
}

/** What one host is asked at most, by all features together. */
export interface BudgetLimits {
  /** Requests a second at the best of times; answers 429 and 503 halve it, time heals it. */
  perSecond: number
  /** Requests that may follow each other at once after a pause. */
  burst: number
  /** Requests under way at once. */
  calls: number
  /** Streams under way at once; they have slots of their own, so that a download never holds up a look-up. */
  transfers: number
}

export interface CallOptions {
  signal?: AbortSignal | undefined
  /** Someone waits for it: it goes before background work and tries a host that seems unreachable. */
  urgent?: boolean | undefined
  /**
   * Milliseconds to wait for a turn while the host asks for patience (429, Retry-After); 30 s unless told.
   * A longer pause fails at once with code `rate-limited` and `fields.retry_after` in seconds.
   */
  patienceMs?: number | undefined
}

export interface DoorRequest extends CallOptions {
  /** Name of a registered destination; the URL's origin must be one of its origins. */
  destination: string
  url: string
  method?: 'GET' | 'POST' | 'HEAD'
  /** Only names of the allow-list in headers.ts; credentials are the door's business. */
  headers?: Record<string, string>
  body?: string
  /** Largest answer in bytes; beyond it the request fails. */
  maxBytes?: number
  /** Without the credentials of the destination. */
  anonymous?: boolean
  /**
   * Tries at most, 1 to 5, with growing pauses after a broken connection, 408 or 5xx; 1 unless told. For what may be repeated
   * without harm. An urgent request to a host that can't be reached, or does not answer in time, is not tried again.
   */
  attempts?: number
}

/** `retryAfter` in seconds, for 429 and 503 that name a time (capped at 15 minutes). Redirects are answers. */
export interface DoorAnswer { status: number, headers: AnswerHeaders, body: Buffer, retryAfter?: number }

export type AnswerHeaders = Record<string, string | string[] | undefined>

export interface StreamRequest extends CallOptions {
  destination: string
  url: string
  method?: 'GET' | 'HEAD'
  headers?: Record<string, string>
  anonymous?: boolean
  /** No byte for so long (while someone reads) breaks the stream with code `upstream-timeout`; 60 s unless told. */
  stallMs?: number
}

/**
 * An answer of any status, redirects followed (at most 5, each judged anew, no credentials once the origin changes).
 * The body must be read to its end or destroyed: it holds a slot of the host's budget. Its errors are DomainErrors.
 */
export interface DoorStream {
  status: number
  headers: AnswerHeaders
  body: Readable
  /** Where the answer came from. Its query may be a signature: never for logs, errors or events. */
  finalUrl: string
  retryAfter?: number
}

export interface PublicRequest {
  /** Largest body in bytes; beyond it the request fails. */
  maxBytes: number
  signal?: AbortSignal | undefined
  /** Someone waits for it; true unless told. */
  urgent?: boolean | undefined
}

/** `url` is where the body came from, after redirects. */
export interface PublicAnswer { url: string, body: Buffer }

/** One request on the wire, for observers: an address without its query, and a credential reduced to its scheme. */
export interface OutgoingRequest {
  destination: string
  method: string
  origin: string
  path: string
  headers: Record<string, string>
}

export interface Counters { requests: number, succeeded: number, failed: number, rate_limited: number, bytes: number }

export interface DestinationStatus {
  name: string
  purpose: string
  origins: string[]
  public_hosts: boolean
  enabled: boolean
  setting: string | null
  /** Whether a credential is kept for it now. */
  authorized: boolean
  counters: Counters
  /** ISO 8601 UTC of the last request, null before the first. */
  last_request_at: string | null
}

export interface HostStatus {
  origin: string
  /** Requests a second that are allowed now, and at the best of times. */
  rate: number
  rate_limit: number
  active: { calls: number, transfers: number }
  waiting: number
  /** ISO 8601 UTC until when the host asked to be left alone, null when it did not. */
  paused_until: string | null
  /** ISO 8601 UTC until when requests that nobody waits for are not even tried, null while the host is reachable. */
  unreachable_until: string | null
}

export interface NetworkStatus { offline: boolean, proxy: 'none' | 'settings', destinations: DestinationStatus[], hosts: HostStatus[] }

/** The one way out. Only services/network touches sockets to other hosts. */
export interface Door {
  register (destination: Destination): void
  destinations (): readonly Destination[]
  /**
   * @throws DomainError of kind `upstream` (`upstream-timeout`, `upstream-unreachable`, `upstream-tls`, `upstream-failed`, `answer-too-large`)
   * or `unavailable` (`offline-mode`, `destination-off`, `host-offline`, `rate-limited`, `shutting-down`, `proxy-type`)
   */
  request (request: DoorRequest): Promise<DoorAnswer>
  /** For large bodies. The circuit of an unreachable host does not hold it back. @throws as `request`, and AddressRefusedError */
  stream (request: StreamRequest): Promise<DoorStream>
  /**
   * Fetches what a URL from a user or a remote document names, without credentials and from hosts of the public internet only;
   * the origins that the settings name as providers are exempt. Follows up to 5 redirects, each judged anew.
   * @throws AddressRefusedError (`invalid`) for a URL that is not fetched; DomainError `upstream` or `unavailable` when the fetch fails
   */
  fetchPublic (url: string, request: PublicRequest): Promise<PublicAnswer>
  /** Told of every request just before it goes out. Returns the way to stop. */
  observe (listener: (request: OutgoingRequest) => void): () => void
  status (): NetworkStatus
  close (): Promise<void>
}
