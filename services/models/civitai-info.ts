import { canonicalBaseModel } from './base-model-names.ts'
import { normalAutov3 } from './other-hashes.ts'
import { isObject, readNumber, readObject, readText, readTexts } from './read-value.ts'
import { parseSidecar } from './sidecar-file.ts'

/** Ending of the version payloads that older programs left beside models. They seed metadata and are never written. */
export const INFO_EXTENSION = '.civitai.info'
/** CivitAI states sizes in KiB, rounded. */
const SIZE_TOLERANCE = 1024

/** The payload, or null where the file is no JSON object. */
export function parseCivitaiInfo (bytes: Buffer | undefined): Record<string, unknown> | null {
  if (!bytes) return null
  const parsed = parseSidecar(bytes)
  return 'document' in parsed ? parsed.document : null
}

/**
 * What a payload says of a model without a sidecar; null when it names no primary file.
 * Its hashes count only when the sizes agree: the payload may describe another file.
 */
export function fieldsFromInfo (info: Record<string, unknown>, fileSize: number): Record<string, unknown> | null {
  const file = Array.isArray(info.files) ? info.files.filter(isObject).find((entry) => entry.primary === true) : undefined
  if (!file) return null
  const sameFile = Math.abs(readNumber(file.sizeKB, -1) * 1024 - fileSize) <= SIZE_TOLERANCE
  const hashes = sameFile ? readObject(file.hashes) : null
  const autov3 = normalAutov3(hashes?.AutoV3)
  const name = readText(readObject(info.model)?.name)
  const type = readText(info.type)
  return {
    ...(name && { model_name: name }),
    sha256: readText(hashes?.SHA256).trim().toLowerCase(),
    base_model: canonicalBaseModel(readText(info.baseModel)),
    from_civitai: true,
    civitai: info,
    tags: modelTags(info),
    modelDescription: modelDescription(info),
    ...(autov3 && { autov3 }),
    ...(type && { sub_type: type })
  }
}

/** Completes a sidecar that knows nothing of CivitAI. The fields that were filled are replaced, nothing else is touched. */
export function fillFromInfo (document: Record<string, unknown>, info: Record<string, unknown>): void {
  document.civitai = info
  if (readTexts(document.tags).length === 0) document.tags = modelTags(info)
  if (!readText(document.modelDescription)) document.modelDescription = modelDescription(info)
}

function modelTags (info: Record<string, unknown>): string[] {
  return readTexts(readObject(info.model)?.tags)
}

function modelDescription (info: Record<string, unknown>): string {
  return readText(readObject(info.model)?.description)
}
