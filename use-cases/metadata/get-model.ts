import { InvalidInputError, NotFoundError } from '../../services/errors.ts'
import type { FieldHistory } from '../../services/metadata/provenance.ts'
import type { MetadataShelf } from '../../services/metadata/types.ts'
import { defaultSidecar } from '../../services/models/default-sidecar.ts'
import type { IndexedModel } from '../../services/models/entry.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import { previewUrl } from '../../services/models/preview-url.ts'

export interface ModelDeps {
  libraries: readonly ModelLibrary[]
  metadata: Pick<MetadataShelf, 'ids' | 'provenance' | 'hints'>
}

/** Where a model is found again. */
export interface ModelRef { id: string, model_type: string, file_path: string, file_name: string, model_name: string, sha256: string }

export interface ModelDetail extends ModelRef {
  excluded: boolean
  /** null: not known what it is. `unconfirmed`: by the header alone, while the file has no hash. */
  identity: 'confirmed' | 'unconfirmed' | null
  online: boolean
  /** As in `/api/lm/previews`, or "". */
  preview_url: string
  /** What the index holds of it. */
  entry: Record<string, unknown>
  /** The sidecar as it stands on the disk, null without one. */
  sidecar: Record<string, unknown> | null
}

const MOST = 100

/** Models by path or by hash, with the ids under which they can be asked for. @throws InvalidInputError without either */
export const findModels = ({ libraries, metadata }: ModelDeps) => (query: { file_path?: string | undefined, sha256?: string | undefined, model_type?: string | undefined }): ModelRef[] => {
  const { file_path: path, sha256, model_type: type } = query
  if ((path ?? '') === '' && (sha256 ?? '') === '') throw new InvalidInputError('Either file_path or sha256 is required')
  const searched = libraries.filter((library) => type === undefined || [library.type.name, library.type.prefix].includes(type as never))
  const models = searched.flatMap(({ index }) => {
    if (path === undefined || path === '') return index.byHash((sha256 ?? '').toLowerCase())
    return index.get(path.replaceAll('\\', '/')) ?? []
  })
  return models.slice(0, MOST).map((model) => refOf(metadata, model))
}

/** Everything known of one model. @throws NotFoundError */
export const getModel = ({ metadata }: ModelDeps) => (id: string): ModelDetail => {
  const { library, model } = found(metadata, id)
  const { id: row, type, root_id: rootId, ...entry } = model
  const identified = model.civitai?.id !== undefined || model.hf_url !== ''
  return {
    ...refOf(metadata, model),
    excluded: model.exclude,
    identity: metadata.hints.isUnconfirmed(model) ? 'unconfirmed' : identified ? 'confirmed' : null,
    online: !library.isAway(rootId),
    preview_url: previewUrl(model.preview_url),
    entry,
    sidecar: library.sidecar(model.file_path) ?? null
  }
}

/** Where each value comes from and what it was before. @throws NotFoundError */
export const getProvenance = ({ metadata }: ModelDeps) => (id: string): { id: string, fields: FieldHistory[] } => {
  const { library, model } = found(metadata, id)
  return { id, fields: metadata.provenance.history(id, library.sidecar(model.file_path) ?? defaultSidecar(model)) }
}

function found (metadata: ModelDeps['metadata'], id: string): { library: ModelLibrary, model: IndexedModel } {
  const model = metadata.ids.find(id)
  if (!model) throw new NotFoundError('There is no such model', 'model-not-found')
  return model
}

function refOf ({ ids }: ModelDeps['metadata'], model: IndexedModel): ModelRef {
  const { type, file_path: path, file_name: name, model_name: title, sha256 } = model
  return { id: ids.of(model), model_type: type, file_path: path, file_name: name, model_name: title, sha256 }
}
