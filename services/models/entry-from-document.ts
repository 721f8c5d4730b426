import type { HashStatus, IndexedModel } from './entry.ts'
import type { ModelType } from './types.ts'
import type { Root } from '../files/types.ts'
import { canonicalBaseModel } from './base-model-names.ts'
import { licenseFlags } from './license-flags.ts'
import { civitaiAutov3, normalAutov3, otherHashes } from './other-hashes.ts'
import { readBoolean, readNumber, readObject, readText, readTexts } from './read-value.ts'
import { slimCivitai } from './slim-civitai.ts'

/** What the disk says of a model, as against its sidecar. */
export interface FileFacts {
  type: ModelType
  root: Root
  path: string
  stem: string
  folder: string
  stat: { size: number, mtimeMs: number }
  /** Absolute path of the preview, or "". */
  preview: string
  previewVersion: string
  /** SHA-256 that we computed from the bytes as they are now. */
  knownSha?: string | undefined
}

/** An entry from a sidecar document; fields that are missing or of the wrong type take their defaults. Nothing of the document is retained. */
export function entryFromDocument (document: Record<string, unknown>, file: FileFacts): Omit<IndexedModel, 'id'> {
  const civitai = readObject(document.civitai)
  const sha256 = currentHash(document, file)
  const entry: Omit<IndexedModel, 'id'> = {
    file_path: file.path,
    file_name: file.stem,
    model_name: readText(document.model_name) || file.stem,
    folder: file.folder,
    size: readNumber(document.size, file.stat.size),
    modified: readNumber(document.modified, file.stat.mtimeMs / 1000),
    sha256,
    autov3: readAutov3(document, civitai, sha256),
    base_model: baseModel(document, civitai),
    preview_url: file.preview,
    preview_nsfw_level: readNumber(document.preview_nsfw_level, 0),
    from_civitai: readBoolean(document.from_civitai, true),
    favorite: readBoolean(document.favorite, false),
    notes: readText(document.notes),
    usage_tips: readText(document.usage_tips) || (file.type.name === 'lora' ? '{}' : ''),
    metadata_source: readText(document.metadata_source) || null,
    exclude: readBoolean(document.exclude, false),
    db_checked: readBoolean(document.db_checked, false),
    last_checked_at: readNumber(document.last_checked_at, 0),
    tags: readTexts(document.tags),
    civitai: slimCivitai(civitai),
    civitai_deleted: readBoolean(document.civitai_deleted, false),
    skip_metadata_refresh: readBoolean(document.skip_metadata_refresh, false),
    hf_url: readText(document.hf_url),
    license_flags: licenseFlags(document),
    hash_status: hashStatus(document, sha256, file.knownSha),
    type: file.type.name,
    root_id: file.root.id,
    preview_version: file.previewVersion,
    metadata_error: '',
    other_hashes: otherHashes(civitai, sha256)
  }
  const subType = subTypeOf(document, file)
  if (subType) entry.sub_type = subType
  return entry
}

/** The sidecar's hash, unless it has none or speaks of a file of another size while ours is computed from this one. */
function currentHash (document: Record<string, unknown>, file: FileFacts): string {
  const stated = readText(document.sha256).trim().toLowerCase()
  if (!file.knownSha) return stated
  return stated && readNumber(document.size, file.stat.size) === file.stat.size ? stated : file.knownSha
}

/** A hash that is missing is pending, and so is one that a stopped process was computing; `failed` is retried on demand. */
function hashStatus (document: Record<string, unknown>, sha256: string, knownSha: string | undefined): HashStatus {
  if (sha256 && sha256 === knownSha) return 'completed'
  const stated = document.hash_status
  if (stated === 'failed' || stated === 'pending') return stated
  return stated === 'calculating' || !sha256 ? 'pending' : 'completed'
}

/** null = never looked for, "" = looked for and absent. A value that CivitAI states for this very file fills both. */
function readAutov3 (document: Record<string, unknown>, civitai: Record<string, unknown> | null, sha256: string): string | null {
  return normalAutov3(document.autov3) || civitaiAutov3(civitai, sha256) || (document.autov3 === undefined ? null : '')
}

function baseModel (document: Record<string, unknown>, civitai: Record<string, unknown> | null): string {
  return typeof document.base_model === 'string' ? document.base_model : canonicalBaseModel(readText(civitai?.baseModel))
}

/** Checkpoints take it from their root, embeddings and LoRAs from the sidecar. */
function subTypeOf (document: Record<string, unknown>, file: FileFacts): string {
  if (file.type.name === 'checkpoint') return file.root.subType ?? file.type.defaultSubType
  return readText(document.sub_type) || (file.type.name === 'embedding' ? file.type.defaultSubType : '')
}
