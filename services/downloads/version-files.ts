import { DIFFUSION_BASE_MODELS } from '../models/base-model-names.ts'
import { isObject, readText } from '../models/read-value.ts'
import type { CivitaiFileDocument, CivitaiVersionDocument } from '../civitai/schema.ts'
import { typeNamed } from './version-history.ts'
import type { ModelTypeName } from '../models/types.ts'

/** Types of files that hold weights, and of those that are never taken unasked. */
const WEIGHTS = new Set(['Model', 'Pruned Model', 'Negative', 'UNet', 'Diffusion Model', 'Enhancement LoRA'])
const NEVER = new Set(['Config', 'Archive', 'Workflow', 'Training Data'])
const DIFFUSION = new Set(['UNet', 'Diffusion Model'])
const PAGE_HOSTS = new Set(['civitai.com', 'www.civitai.com', 'civitai.red', 'www.civitai.red', 'civitai.green', 'www.civitai.green'])

/** Kind of a version's model, undefined for what the library does not hold. */
export function kindOf (version: CivitaiVersionDocument): ModelTypeName | undefined {
  return typeNamed(readText(version.model?.type))
}

/** Whether a checkpoint is a bare diffusion model, which lies under the `unet` roots. */
export function isDiffusionModel ({ files = [], baseModel }: CivitaiVersionDocument): boolean {
  return files.some(({ type }) => DIFFUSION.has(type ?? '')) || DIFFUSION_BASE_MODELS.has(baseModel ?? '')
}

export interface ChosenFile {
  file: CivitaiFileDocument
  /** The client named it; what the settings say of whole versions does not hold then. */
  explicit: boolean
}

/** The file that is meant; undefined when the version has none to download. */
export function chooseFile ({ files = [] }: CivitaiVersionDocument, params: Record<string, unknown> | null): ChosenFile | undefined {
  const named = params && namedFile(files, params)
  if (named) return { file: named, explicit: true }
  const file = primaryWeights(files) ??
    files.find(({ type }) => WEIGHTS.has(type ?? '')) ??
    files.find(({ type, primary }) => primary === true && !NEVER.has(type ?? ''))
  return file && { file, explicit: false }
}

function primaryWeights (files: readonly CivitaiFileDocument[]): CivitaiFileDocument | undefined {
  return files.find(({ type, primary }) => primary === true && WEIGHTS.has(type ?? ''))
}

function namedFile (files: readonly CivitaiFileDocument[], params: Record<string, unknown>): CivitaiFileDocument | undefined {
  if (Object.keys(params).length === 0) return undefined
  if (params.id != null && params.id !== '') {
    const found = files.find(({ id }) => id !== undefined && String(id) === String(params.id))
    if (found) return found
  }
  if (params.isPrimary === true || params.isPrimary === 'true') {
    const primary = primaryWeights(files)
    if (primary) return primary
  }
  const type = readText(params.type) || 'Model'
  const format = readText(params.format)
  return files.find((file) => file.type === type &&
    (format === '' || detail(file, 'format') === format) &&
    agrees(params.size, detail(file, 'size')) && agrees(params.fp, detail(file, 'fp')))
}

/** A property of a file that stands in its metadata, or beside them in older answers. */
function detail (file: CivitaiFileDocument, name: 'format' | 'size' | 'fp'): string {
  return readText(file.metadata?.[name]) || readText((file as Record<string, unknown>)[name])
}

function agrees (wanted: unknown, found: string): boolean {
  const text = wanted == null ? '' : String(wanted)
  return text === '' || found === '' || text === found
}

/** Lower-case SHA-256 that the provider names for a file, or null. */
export function promisedHash ({ hashes }: CivitaiFileDocument): string | null {
  const found = Object.entries(hashes ?? {}).find(([name]) => name.toUpperCase() === 'SHA256')?.[1].trim().toLowerCase()
  return found !== undefined && /^[0-9a-f]{64}$/.test(found) ? found : null
}

/** Where a file can be had, in the order in which it is tried. */
export function addressesOf (file: CivitaiFileDocument, version: CivitaiVersionDocument, source: string | null): string[] {
  const mirrors = (file.mirrors ?? []).flatMap(({ url, deletedAt }) => url && !deletedAt ? [atDownloadHost(url)] : [])
  if (source === 'civarchive') mirrors.sort((a, b) => Number(isCivitai(a)) - Number(isCivitai(b)))
  const own = file.downloadUrl ?? (file.primary === true ? version.downloadUrl : undefined)
  const found = mirrors.length > 0 ? mirrors : own ? [atDownloadHost(own)] : []
  return [...new Set(found.filter((url) => URL.canParse(url)))]
}

function isCivitai (url: string): boolean {
  return URL.canParse(url) && PAGE_HOSTS.has(new URL(url).hostname)
}

/** The one host of CivitAI that hands out files for all its domains. */
function atDownloadHost (address: string): string {
  const url = URL.canParse(address) ? new URL(address) : null
  if (url?.hostname !== 'civitai.red' || !url.pathname.startsWith('/api/download/')) return address
  url.hostname = 'civitai.com'
  return url.href
}

export interface Gate {
  /** ISO 8601 of the end, null when it has none or nobody says. */
  endsAt: string | null
  /** Must be paid for, and not only waited for. */
  permanent: boolean
}

/** Whether a version is behind early access or payment now; null when it is not. */
export function gateOf (version: CivitaiVersionDocument, now: number): Gate | null {
  const ahead = (time: string): boolean => !(Date.parse(time) <= now)
  const paid = paidAccess((version as Record<string, unknown>).paidAccess)
  const paidUntil = readText(paid?.endsAt)
  if (paid?.permanent === true) return { endsAt: paidUntil || null, permanent: true }
  const endsAt = readText(version.earlyAccessEndsAt) || paidUntil
  return endsAt !== '' && ahead(endsAt) ? { endsAt, permanent: false } : null
}

/** An object, or its JSON text. An empty one is no gate. */
function paidAccess (value: unknown): Record<string, unknown> | null {
  if (typeof value !== 'string') return isObject(value) ? value : null
  try {
    const parsed: unknown = JSON.parse(value)
    return isObject(parsed) ? parsed : null
  } catch {
    // Text that is no JSON says nothing.
    return null
  }
}
