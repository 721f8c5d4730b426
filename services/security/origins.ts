import type { SettingsManager } from '../settings/types.ts'

const EXTENSION = /^(?:chrome-extension|moz-extension|safari-web-extension):\/\/[a-z0-9-]+$/i
const twins: Record<string, string> = { localhost: '127.0.0.1', '127.0.0.1': 'localhost' }

export function isExtensionOrigin (origin: string): boolean {
  return EXTENSION.test(origin)
}

/** Origins that the settings allow, in both spellings of this machine. Read at each call, so that a change holds at once. */
export function allowedOrigins (settings: Pick<SettingsManager, 'get'>): string[] {
  const configured = settings.get('allowed_origins')
  const listed = typeof configured === 'string' ? configured.split(/[\s,;]+/) : Array.isArray(configured) ? configured : []
  const found = new Set<string>()
  for (const entry of [...listed, settings.get('comfyui_url')]) {
    if (typeof entry === 'string') for (const origin of spellings(entry)) found.add(origin)
  }
  return [...found]
}

function spellings (text: string): string[] {
  if (!URL.canParse(text)) return []
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return []
  const twin = twins[url.hostname]
  return twin === undefined ? [url.origin] : [url.origin, `${url.protocol}//${twin}${url.port === '' ? '' : `:${url.port}`}`]
}

export function isSameOrigin (origin: string, host: string): boolean {
  const text = origin.toLowerCase()
  const own = host.toLowerCase()
  // The scheme is not compared: behind a proxy that ends TLS it can't be known.
  return text === `http://${own}` || text === `https://${own}`
}

/** Facts of a request that say who sent it. Browsers set them; pages can't forge them. */
export interface CallerFacts {
  method: string
  host: string
  /** Whether the path is one of the interfaces (/api, /ws), not a page or an asset. */
  api: boolean
  origin?: string | undefined
  referer?: string | undefined
  fetchSite?: string | undefined
  fetchMode?: string | undefined
  fetchDest?: string | undefined
}

export type CallerVerdict = 'own' | 'trusted' | 'foreign'

/**
 * `own`: our pages, programs, and people opening a page; `trusted`: an allowed origin or an extension; `foreign`: any other page.
 * A page that is allowed may also show our images: such requests have no Origin, but a Referer that only the browser writes.
 */
export function judgeCaller (facts: CallerFacts, allowed: () => readonly string[]): CallerVerdict {
  const { origin, fetchSite } = facts
  if (origin !== undefined) {
    if (isSameOrigin(origin, facts.host)) return 'own'
    return isExtensionOrigin(origin) || allowed().includes(origin.toLowerCase()) ? 'trusted' : 'foreign'
  }
  if (fetchSite !== 'cross-site' && fetchSite !== 'same-site') return 'own'
  const reading = facts.method === 'GET' || facts.method === 'HEAD'
  if (reading && !facts.api && facts.fetchMode === 'navigate' && facts.fetchDest === 'document') return 'own'
  if (reading && facts.referer !== undefined && URL.canParse(facts.referer) && allowed().includes(new URL(facts.referer).origin)) return 'trusted'
  return 'foreign'
}
