import type { Core } from '../../services/core.ts'
import { InvalidInputError } from '../../services/errors.ts'
import type { Job } from '../../services/jobs/types.ts'
import { modelTypes, type ModelType, type ModelTypeName } from '../../services/models/types.ts'
import { fetchAllCivitai, fetchCivitai } from './fetch-civitai.ts'
import { findModels, getModel, getProvenance } from './get-model.ts'
import { getVersion, getVersionByHash } from './get-version.ts'
import { listVersions } from './list-versions.ts'
import { relinkCivitai } from './relink-civitai.ts'

/** What others say of models of one type. */
export function createMetadataUseCases (core: Core, type: ModelType, { warn }: { warn: (message: string, error: unknown) => void }) {
  const { models, metadata, hub, downloads, providers } = core
  const library = models[type.prefix]
  const own = { library, metadata, hub }
  return {
    fetchCivitai: fetchCivitai(own),
    fetchAllCivitai: fetchAllCivitai(own),
    relinkCivitai: relinkCivitai({ metadata, hub, chain: providers.chain, libraries: [library, ...Object.values(models).filter((one) => one !== library)] }),
    listVersions: listVersions({ library, chain: providers.chain, history: downloads.history, warn }),
    getVersion: getVersion({ type, chain: providers.chain }),
    getVersionByHash: getVersionByHash({ type, chain: providers.chain })
  }
}

export type MetadataUseCases = ReturnType<typeof createMetadataUseCases>

/** The same of all types together. */
export function createSharedMetadataUseCases ({ models, metadata }: Core) {
  const deps = { libraries: Object.values(models), metadata }
  return {
    findModels: findModels(deps),
    getModel: getModel(deps),
    getProvenance: getProvenance(deps),
    /** @throws InvalidInputError for an unknown type */
    identify: ({ model_types: types }: { model_types?: unknown }): Job => metadata.identify({ types: readTypes(types) })
  }
}

export type SharedMetadataUseCases = ReturnType<typeof createSharedMetadataUseCases>

function readTypes (value: unknown): ModelTypeName[] | null {
  if (value === undefined || value === null) return null
  const names = modelTypes.map(({ name }) => name)
  if (!Array.isArray(value) || !value.every((item): item is ModelTypeName => names.includes(item as ModelTypeName))) throw new InvalidInputError('"model_types" must be a list of lora, checkpoint or embedding')
  return value
}
