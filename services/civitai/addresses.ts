import type { SettingsManager } from '../settings/types.ts'

const BASE = 'https://civitai.red/api/v1'
const FALLBACK = 'https://civitai.com/api/v1'
const ORIGINS = ['https://civitai.com', 'https://civitai.red'] as const
const pageHosts = new Set(['civitai.com', 'civitai.red', 'civitai.green'].flatMap((host) => [host, `www.${host}`]))

type Settings = Pick<SettingsManager, 'get'>

/** A provider's base address from settings file, environment or command line; without a slash at the end, `path` when only a host is named. */
export function configuredBase (settings: Settings, provider: string, path: string): string | null {
  const bases = settings.get<unknown>('provider_base_urls')
  const text: unknown = typeof bases === 'object' && bases !== null ? (bases as Record<string, unknown>)[provider] : undefined
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : null
  if (!url || !['http:', 'https:'].includes(url.protocol)) return null
  return url.origin + (url.pathname === '/' ? path : url.pathname.replace(/\/+$/, ''))
}

/** Where the API is asked, best first. A configured address stands alone: nothing goes to CivitAI itself then. */
export function civitaiBases (settings: Settings): string[] {
  const configured = configuredBase(settings, 'civitai', '/api/v1')
  return configured === null ? [BASE, FALLBACK] : [configured]
}

/** Where the key may go, and nowhere else. */
export function civitaiOrigins (settings: Settings): string[] {
  const configured = configuredBase(settings, 'civitai', '/api/v1')
  return configured === null ? [...ORIGINS] : [new URL(configured).origin]
}

/** The address to download from: CivitAI's own are brought to one host, the configured one where there is one; others stay. */
export function downloadAddress (settings: Settings, address: string): string {
  const url = URL.canParse(address) ? new URL(address) : null
  if (!url || !pageHosts.has(url.hostname) || !url.pathname.startsWith('/api/download/')) return address
  const origin = configuredBase(settings, 'civitai', '/api/v1') === null ? ORIGINS[0] : civitaiOrigins(settings)[0] ?? ORIGINS[0]
  return origin + url.pathname + url.search
}

export type CivitaiPageAddress = { page: 'model', modelId: number, versionId: number | null } | { page: 'image', imageId: number }

/** What an address of CivitAI's site shows; null for every other address. */
export function readPageAddress (address: string): CivitaiPageAddress | null {
  const url = URL.canParse(address.trim()) ? new URL(address.trim()) : null
  if (!url || !['http:', 'https:'].includes(url.protocol) || !pageHosts.has(url.hostname)) return null
  const [, page, id] = /^\/(models|images)\/(\d{1,15})(?:\/|$)/.exec(url.pathname) ?? []
  if (page === undefined || id === undefined) return null
  if (page === 'images') return { page: 'image', imageId: Number(id) }
  const version = url.searchParams.get('modelVersionId') ?? ''
  return { page: 'model', modelId: Number(id), versionId: /^\d{1,15}$/.test(version) ? Number(version) : null }
}

/** The image's id in an address of the content network: the digits before the extension. */
export function cdnImageId (address: string): number | null {
  const url = URL.canParse(address) ? new URL(address) : null
  const id = /(\d{1,15})\.(?:jpe?g|png|webp|gif)$/i.exec(url?.pathname ?? '')?.[1]
  return id === undefined ? null : Number(id)
}

/** Address of the page of a model, of a version when no model is known, null for neither. `host`: setting `civitai_host`. */
export function modelPageAddress (host: string, { modelId, versionId }: { modelId?: number | null | undefined, versionId?: number | null | undefined }): string | null {
  if (modelId) return `https://${host}/models/${modelId}${versionId ? `?modelVersionId=${versionId}` : ''}`
  return versionId ? `https://${host}/model-versions/${versionId}` : null
}

export function imagePageAddress (host: string, imageId: number): string {
  return `https://${host}/images/${imageId}`
}
