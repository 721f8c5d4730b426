import type { IndexedModel } from '../models/entry.ts'
import type { ModelLibrary } from '../models/ports.ts'

/** Models of a version that a library holds, excluded ones too. */
export function localVersions (library: Pick<ModelLibrary, 'index'>, versionId: number): IndexedModel[] {
  const excluded = [...library.index.excluded()].filter(({ civitai }) => civitai?.id === versionId)
  return [...library.index.byVersionId(versionId), ...excluded]
}

export interface PresentVersion { versionId: number, name: string, fileName: string }

/** One entry per version of a model that a library holds, in the order of the scan; those of excluded models behind. */
export function presentVersions ({ index }: Pick<ModelLibrary, 'index'>, modelId: number): PresentVersion[] {
  const versions = new Map(index.versionsOf(modelId).map((version) => [version.versionId, version]))
  for (const { civitai, file_name: fileName } of index.excluded()) {
    if (civitai?.id === undefined || civitai.modelId !== modelId || versions.has(civitai.id)) continue
    versions.set(civitai.id, { versionId: civitai.id, name: civitai.name ?? '', fileName })
  }
  return [...versions.values()]
}

/** The one of them that is this very file: by hash when both are known, else by name. */
export function sameFile (models: readonly IndexedModel[], sha256: string | null, stem: string): IndexedModel | undefined {
  return models.find((model) => sha256 !== null && model.sha256 !== '' ? model.sha256 === sha256 : model.file_name === stem)
}
