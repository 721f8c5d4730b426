import type { IndexedModel } from '../models/entry.ts'
import type { ModelLibrary } from '../models/ports.ts'

/** Models of a version that a library holds, excluded ones too. */
export function localVersions (library: ModelLibrary, versionId: number): IndexedModel[] {
  const excluded = [...library.index.excluded()].filter(({ civitai }) => civitai?.id === versionId)
  return [...library.index.byVersionId(versionId), ...excluded]
}

/** The one of them that is this very file: by hash when both are known, else by name. */
export function sameFile (models: readonly IndexedModel[], sha256: string | null, stem: string): IndexedModel | undefined {
  return models.find((model) => sha256 !== null && model.sha256 !== '' ? model.sha256 === sha256 : model.file_name === stem)
}
