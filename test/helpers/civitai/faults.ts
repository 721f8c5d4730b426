export type ServerName = 'civitai' | 'storage' | 'civarchive' | 'huggingface'

export interface SeenRequest {
  server: ServerName
  method: string
  /** Without the query. */
  path: string
  query: URLSearchParams
  headers: Record<string, string | string[] | undefined>
  body: string
  /** Milliseconds since 1970. */
  at: number
  /** Status of the answer, once it began. */
  status: number | null
}

/** What goes wrong instead of, or with, an answer. */
export interface Fault {
  status?: number
  /** Seconds, or a date as text. */
  retryAfter?: number | string
  /** An object is sent as JSON. */
  body?: unknown
  /** An error page as content networks make them; status 200 unless told. */
  html?: boolean
  headers?: Record<string, string>
  /** Waits before it answers. */
  delayMs?: number
  /** Accepts the request and never answers. */
  hang?: boolean
  /** Breaks the connection before any answer. */
  reset?: boolean
  /** Breaks the connection after so many bytes of the body. */
  cutAfter?: number
  /** Sends so many bytes of the body, then nothing. */
  stallAfter?: number
  /** Sends the body in pieces of so many bytes, one every so many milliseconds. */
  slow?: { bytes: number, everyMs: number }
  /** Flips the body's bytes: right length, wrong content. */
  wrongBytes?: boolean
  /** A file that has another ETag now. */
  etag?: string
  /** Answers a range with 200 and the whole file. */
  ignoreRange?: boolean
  /** Answers a range with bytes of another place, and says so. */
  shiftRange?: number
  /** Leaves the length unsaid. */
  chunked?: boolean
  location?: string
}

/** `"GET /api/v1/models/1"` (with `*` for anything, a query when one is given, a server's name before it when wanted), a pattern of that text, or a test. */
export type Match = string | RegExp | ((request: SeenRequest) => boolean)

export interface Faults {
  /** For the next requests that match: once unless told. */
  next (match: Match, fault: Fault, times?: number): void
  /** Until it is called off. */
  always (match: Match, fault: Fault): () => void
  /** For this share of the requests that match; `random` from 0 to 1. */
  share (match: Match, fraction: number, fault: Fault, random: () => number): () => void
  clear (): void
  /** The fault for a request, used up by asking. */
  take (request: SeenRequest): Fault | undefined
}

interface Rule { match: Match, fault: Fault, left: number, applies: () => boolean }

export function createFaults (): Faults {
  let rules: Rule[] = []
  const add = (rule: Rule): (() => void) => {
    rules.push(rule)
    return () => { rules = rules.filter((other) => other !== rule) }
  }

  return {
    next (match, fault, times = 1) { add({ match, fault, left: times, applies: () => true }) },
    always: (match, fault) => add({ match, fault, left: Infinity, applies: () => true }),
    share: (match, fraction, fault, random) => add({ match, fault, left: Infinity, applies: () => random() < fraction }),
    clear () { rules = [] },
    take (request) {
      const rule = rules.find(({ match, left, applies }) => left > 0 && matches(match, request) && applies())
      if (!rule) return undefined
      rule.left--
      return rule.fault
    }
  }
}

export function matches (match: Match, request: SeenRequest): boolean {
  if (typeof match === 'function') return match(request)
  const query = decodeURIComponent(request.query.toString())
  const plain = `${request.method} ${request.path}`
  const texts = [plain, `${plain}?${query}`].flatMap((text) => [text, `${request.server} ${text}`])
  if (match instanceof RegExp) return texts.some((text) => match.test(text))
  const pattern = new RegExp(`^${match.split('*').map((part) => part.replace(/[.?+^${}()|[\]\\]/g, '\\$&')).join('.*')}$`)
  return texts.some((text) => pattern.test(text))
}
