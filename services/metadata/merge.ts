import { clip } from '../civitai/fit.ts'
import type { CivitaiVersionDocument } from '../civitai/schema.ts'
import { canonicalBaseModel } from '../models/base-model-names.ts'
import { civitaiAutov3 } from '../models/other-hashes.ts'
import { isObject, readObject, readText, readTexts } from '../models/read-value.ts'
import { keepImageMarks } from './image-marks.ts'
import type { MetadataSource } from '../providers/types.ts'

/** What is known of the user's hand in a document; see provenance.ts. */
export interface UserEdits {
  /** The field's present value is the user's own. Members of `civitai` are named `civitai.<member>`. */
  isUsers (field: string, value: unknown): boolean
  /** Trigger words that the user took out. */
  removedWords (present: readonly string[]): ReadonlySet<string>
}

export interface MergeOptions {
  version: CivitaiVersionDocument
  source: MetadataSource
  /** Seconds since the epoch. */
  now: number
  /** Lower-case hex, "" when not known. */
  sha256: string
  /** The model endpoint answered too: without it licence defaults would be guesses. */
  complete: boolean
  edits: UserEdits
  /** The user chose this version: whatever the file was linked to before gives way. */
  relink?: boolean
}

type Document = Record<string, unknown>

const RANK: Readonly<Record<string, number>> = { civitai_api: 3, civarchive: 2, archive_db: 1 }
const UNKNOWN_BASE = 'Unknown'
/** What a provider says of a version; with another version it goes, everything else in `civitai` is somebody's own. */
const PROVIDED = [
  'id', 'modelId', 'name', 'description', 'baseModel', 'baseModelType', 'availability', 'createdAt', 'updatedAt', 'publishedAt', 'status', 'nsfwLevel', 'stats', 'air', 'index',
  'uploadType', 'trainingStatus', 'trainingDetails', 'usageControl', 'earlyAccessEndsAt', 'earlyAccessConfig', 'earlyAccessTimeFrame', 'paidAccess', 'files', 'images', 'downloadUrl',
  'model', 'creator', 'source', 'is_deleted'
]
const LICENCE: Readonly<Record<string, unknown>> = { allowNoCredit: true, allowCommercialUse: ['Sell'], allowDerivatives: true, allowDifferentLicense: true }
/** A sidecar is read with every scan: beyond this the generation data of images is left out. */
const MOST_TEXT = 4_000_000

/**
 * Merges what a provider says of a version into a sidecar document, in place. User-owned parts stay, nothing known is replaced
 * by less: a poorer source fills only what is empty, a known base model never becomes unknown. What is merged is bounded.
 */
export function mergeVersion (document: Document, options: MergeOptions): void {
  const incoming = readIncoming(options)
  const stored = readObject(document.civitai) ?? {}
  const linked = stored.id !== undefined && stored.id !== null
  const other = linked && String(stored.id) !== String(incoming.id)
  const poorer = options.relink !== true && linked && isPoorer(document, stored, incoming, options.source)
  const edited = { name: isNameEdited(document, stored, options.edits), base: options.edits.isUsers('base_model', document.base_model) }
  if (!poorer) {
    keepImageMarks(stored.images, incoming.images)
    document.civitai = mergeCivitai(other ? without(stored, PROVIDED) : stored, incoming, options, other)
    document.metadata_source = options.source
    takeNames(document, incoming, edited)
    takeAutov3(document, incoming, options.sha256)
  } else if (!other) {
    document.civitai = { ...without(incoming, ['source', 'is_deleted', 'trainedWords']), ...stored }
  }
  fillEmpty(document, incoming, options.edits)
  document.from_civitai = true
  document.last_checked_at = options.now
}

function readIncoming ({ version, source }: MergeOptions): Document {
  const { customImages, ...incoming } = clip(version) as Document
  // other programs tell the source by it; CivitAI's own answers have none
  if (source === 'civitai_api') delete incoming.source
  else incoming.source = source
  const images = Array.isArray(incoming.images) ? incoming.images.filter(isObject) : []
  for (const image of images) if (isObject(image.meta)) image.meta = without(image.meta, ['comfy'])
  if (Array.isArray(incoming.images)) incoming.images = images
  if (JSON.stringify(incoming).length > MOST_TEXT) incoming.images = images.map((image) => without(image, ['meta']))
  return incoming
}

/** Files and images, from CivitAI itself. */
function isComplete (civitai: Document): boolean {
  const some = (value: unknown): boolean => Array.isArray(value) && value.length > 0
  return some(civitai.files) && some(civitai.images) && civitai.source !== 'archive_db' && civitai.source !== 'civarchive'
}

function isPoorer (document: Document, stored: Document, incoming: Document, source: MetadataSource): boolean {
  if (isComplete(incoming)) return false
  const rank = RANK[readText(document.metadata_source) || readText(stored.source)] ?? 0
  return isComplete(stored) || rank > (RANK[source] ?? 0)
}

/** By our own record, or because it is neither the file's name nor what the provider called it. */
function isNameEdited (document: Document, stored: Document, edits: UserEdits): boolean {
  const name = readText(document.model_name)
  if (name === '') return false
  const given = readText(readObject(stored.model)?.name)
  return edits.isUsers('model_name', name) || (given !== '' && name !== given && name !== document.file_name)
}

function mergeCivitai (under: Document, incoming: Document, { edits, complete }: MergeOptions, other: boolean): Document {
  const merged: Document = { ...without(under, ['source', 'is_deleted']), ...incoming }
  const words = mergeWords(under, incoming, edits)
  if (words) merged.trainedWords = words
  if (!other && edits.isUsers('civitai.name', under.name)) merged.name = under.name
  const model = { ...readObject(under.model), ...readObject(incoming.model) }
  if (complete) for (const [key, value] of Object.entries(LICENCE)) model[key] ??= value
  if (Object.keys(model).length > 0) merged.model = model
  merged.creator = incoming.creator ?? under.creator
  if (merged.creator === undefined || merged.creator === null) delete merged.creator
  return merged
}

/** Old ones first in their order, then new ones, without those that the user took out. */
function mergeWords (under: Document, incoming: Document, edits: UserEdits): string[] | undefined {
  if (!Array.isArray(under.trainedWords) && !Array.isArray(incoming.trainedWords)) return undefined
  const present = readTexts(under.trainedWords)
  const removed = edits.removedWords(present)
  return [...new Set([...present, ...readTexts(incoming.trainedWords).filter((word) => !removed.has(word))])]
}

function takeNames (document: Document, incoming: Document, edited: { name: boolean, base: boolean }): void {
  const name = readText(readObject(incoming.model)?.name).trim()
  if (name !== '' && !edited.name) document.model_name = name
  const base = canonicalBaseModel(readText(incoming.baseModel))
  if (base !== UNKNOWN_BASE && !edited.base) document.base_model = base
  else if (readText(document.base_model) === '') document.base_model = UNKNOWN_BASE
}

function takeAutov3 (document: Document, incoming: Document, sha256: string): void {
  const autov3 = civitaiAutov3(incoming, sha256)
  if (autov3 !== '') document.autov3 = autov3
}

/** What the user emptied stays empty. */
function fillEmpty (document: Document, incoming: Document, edits: UserEdits): void {
  const model = readObject(incoming.model)
  const description = readText(model?.description)
  if (readText(document.modelDescription) === '' && description !== '' && !edits.isUsers('modelDescription', document.modelDescription)) document.modelDescription = description
  const tags = [...new Set(readTexts(model?.tags).map((tag) => tag.trim()).filter((tag) => tag !== ''))]
  if (readTexts(document.tags).length === 0 && tags.length > 0 && !edits.isUsers('tags', document.tags)) document.tags = tags
}

function without (source: Document, keys: readonly string[]): Document {
  return Object.fromEntries(Object.entries(source).filter(([key]) => !keys.includes(key)))
}
