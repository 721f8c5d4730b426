import { defaultFile, sha256Of } from '../civitai/file-choice.ts'
import type { CivitaiVersionDocument } from '../civitai/schema.ts'
import type { IndexedModel } from '../models/entry.ts'
import { smallerRendition } from '../models/civitai-media-url.ts'
import { previewUrl } from '../models/preview-url.ts'
import { stemOf } from './parsers/model-file.ts'
import type { ParsedModel, ParsedLora } from './parsers/types.ts'
import type { BoundBy } from './ports.ts'
import type { AnalysisCheckpoint, AnalysisLora } from './resolve-types.ts'

/** Shown where there is no picture (recipes §0.3). */
const NO_PREVIEW = '/loras_static/images/no-preview.png'

const blank = { existsLocally: false, inLibrary: false, localPath: null, thumbnailUrl: NO_PREVIEW, size: 0, downloadUrl: '', isDeleted: false }

export function blankLora (lora: ParsedLora): AnalysisLora {
  return {
    name: lora.name || 'Unknown LoRA',
    type: lora.type,
    weight: lora.strength,
    hash: lora.hash,
    file_name: stemOf(lora.fileName),
    ...blank,
    baseModel: lora.baseModel,
    ...(lora.versionId > 0 ? { id: lora.versionId } : {}),
    ...(lora.modelId > 0 ? { modelId: lora.modelId } : {}),
    ...(lora.versionName === '' ? {} : { version: lora.versionName }),
    ...(lora.clipStrength === undefined ? {} : { clipWeight: lora.clipStrength })
  }
}

export function blankCheckpoint (checkpoint: ParsedModel): AnalysisCheckpoint {
  return {
    id: checkpoint.versionId,
    modelId: checkpoint.modelId,
    name: checkpoint.name || 'Unknown Checkpoint',
    version: checkpoint.versionName,
    type: checkpoint.type,
    hash: checkpoint.hash,
    file_name: stemOf(checkpoint.fileName),
    ...blank,
    baseModel: checkpoint.baseModel
  }
}

/** The entry with what the library knows of the model that it means. */
export function withLocal<T extends AnalysisLora | AnalysisCheckpoint> (entry: T, model: IndexedModel, matchedBy: BoundBy): T {
  return {
    ...entry,
    name: model.model_name || entry.name,
    ...(model.civitai?.id === undefined ? {} : { id: model.civitai.id }),
    ...(model.civitai?.modelId === undefined ? {} : { modelId: model.civitai.modelId }),
    ...(model.civitai?.name === undefined ? {} : { version: model.civitai.name }),
    hash: model.sha256 || entry.hash,
    file_name: model.file_name,
    existsLocally: true,
    inLibrary: true,
    localPath: model.file_path,
    thumbnailUrl: previewUrl(model.preview_url) || NO_PREVIEW,
    baseModel: model.base_model || entry.baseModel,
    size: model.size,
    isDeleted: false,
    matched_by: matchedBy
  }
}

/** The entry with what CivitAI says of the version (recipes §10.8). */
export function withVersion<T extends AnalysisLora | AnalysisCheckpoint> (entry: T, version: CivitaiVersionDocument): T {
  const file = defaultFile(version.files ?? [])
  const [image] = version.images ?? []
  return {
    ...entry,
    type: version.model?.type?.toLowerCase() ?? entry.type,
    name: version.model?.name ?? entry.name,
    id: version.id,
    ...(version.modelId === undefined ? {} : { modelId: version.modelId }),
    version: version.name ?? entry.version ?? '',
    thumbnailUrl: image?.url === undefined ? entry.thumbnailUrl : smallerRendition(image.url, image.type === 'video' ? 'video' : 'image'),
    baseModel: version.baseModel ?? entry.baseModel,
    downloadUrl: file?.downloadUrl ?? version.downloadUrl ?? '',
    size: Math.round((file?.sizeKB ?? 0) * 1024),
    hash: (file && sha256Of(file)) ?? entry.hash,
    file_name: file?.name === undefined ? entry.file_name : stemOf(file.name),
    ...(version.earlyAccessEndsAt ? { isEarlyAccess: true, earlyAccessEndsAt: version.earlyAccessEndsAt } : {})
  }
}
