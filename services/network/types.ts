/** A destination that the program may talk to, as /api/v1/network will list it. */
export interface Destination {
  name: string
  purpose: string
  /** Origins, e.g. "https://civitai.com"; exact. */
  origins: readonly string[]
  enabled (): boolean
}

export interface DoorRequest {
  /** Name of a registered destination; the URL's origin must be one of its origins. */
  destination: string
  url: string
  method?: 'GET' | 'POST' | 'HEAD'
  headers?: Record<string, string>
  body?: string
  signal?: AbortSignal
  /** Largest answer in bytes; beyond it the request fails. */
  maxBytes?: number
}

export interface DoorAnswer { status: number, headers: Record<string, string | string[] | undefined>, body: Buffer }

export interface PublicRequest {
  /** Largest body in bytes; beyond it the request fails. */
  maxBytes: number
  signal?: AbortSignal | undefined
}

/** `url` is where the body came from, after redirects. */
export interface PublicAnswer { url: string, body: Buffer }

/** The one way out. Only services/network touches sockets to other hosts. */
export interface Door {
  register (destination: Destination): void
  destinations (): readonly Destination[]
  /** @throws DomainError of kind `upstream` (timeout, refused, too large) or `unavailable` (switched off, offline). */
  request (request: DoorRequest): Promise<DoorAnswer>
  /**
   * Fetches what a URL from a user or a remote document names, without credentials and from hosts of the public internet only;
   * the origins that the settings name as providers are exempt. Follows up to 5 redirects, each judged anew.
   * @throws AddressRefusedError (`invalid`) for a URL that is not fetched; DomainError `upstream` or `unavailable` when the fetch fails
   */
  fetchPublic (url: string, request: PublicRequest): Promise<PublicAnswer>
  close (): Promise<void>
}
