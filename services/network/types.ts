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

/** The one way out. Only services/network touches sockets to other hosts. */
export interface Door {
  register (destination: Destination): void
  destinations (): readonly Destination[]
  /** @throws DomainError of kind `upstream` (timeout, refused, too large) or `unavailable` (switched off, offline). */
  request (request: DoorRequest): Promise<DoorAnswer>
  close (): Promise<void>
}
