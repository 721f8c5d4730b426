import type { CallOptions } from '../network/types.ts'
import { mapped } from './api.ts'
import { enrichVersion, withoutGraphs } from './enrich.ts'
import type { CivitaiModelDocument, CivitaiVersionDocument } from './schema.ts'
import type { CivitaiClient, EnrichedVersion, Outcome, VersionChoice } from './types.ts'

type Source = Pick<CivitaiClient, 'model' | 'version' | 'versionByHash'>
type Enriched = Outcome<EnrichedVersion>

const notFound = { kind: 'not-found' } as const

/** Versions together with what their model knows, put together from two questions. */
export function createEnrichedVersions (source: Source): Pick<CivitaiClient, 'enriched' | 'enrichedByHash'> {
  async function withModel (version: CivitaiVersionDocument, options: CallOptions): Promise<Enriched> {
    if (version.modelId === undefined) return { kind: 'found', value: { version, complete: false } }
    const model = await source.model(version.modelId, options)
    return { kind: 'found', value: model.kind === 'found' ? { version: enrichVersion(version, model.value), complete: true } : { version, complete: false } }
  }

  async function byVersionId (versionId: number, modelId: number | undefined, options: CallOptions): Promise<Enriched> {
    const version = await source.version(versionId, options)
    if (version.kind === 'found') {
      const other = modelId !== undefined && version.value.modelId !== undefined && version.value.modelId !== modelId
      return other ? notFound : await withModel(version.value, options)
    }
    if (modelId === undefined || (version.kind !== 'invalid' && version.kind !== 'unavailable')) return version
    // The endpoint of versions fails at times while that of models works.
    return await fromModel(modelId, ({ id }) => id === versionId, options, version)
  }

  async function fromModel (modelId: number, isWanted: (version: { id: number }) => boolean, options: CallOptions, otherwise: Enriched = notFound): Promise<Enriched> {
    const model = await source.model(modelId, options)
    if (model.kind !== 'found') return otherwise.kind === 'not-found' ? model : otherwise
    const listed = model.value.modelVersions?.find(isWanted)
    return listed ? { kind: 'found', value: { version: enrichVersion(listed, model.value), complete: true } } : notFound
  }

  async function firstVersion (modelId: number, options: CallOptions): Promise<Enriched> {
    const model = await source.model(modelId, options)
    if (model.kind !== 'found') return model
    const [listed] = model.value.modelVersions ?? []
    if (!listed) return notFound
    const version = await source.version(listed.id, options)
    return { kind: 'found', value: { version: enrichVersion(version.kind === 'found' ? version.value : listed, model.value), complete: true } }
  }

  const clean = (outcome: Enriched): Enriched => mapped(outcome, ({ version, complete }) => ({ version: withoutGraphs(version), complete }))

  return {
    async enrichedByHash (hash, options = {}) {
      const version = await source.versionByHash(hash, options)
      return version.kind === 'found' ? clean(await withModel(version.value, options)) : version
    },
    async enriched ({ modelId, versionId }: VersionChoice, options = {}) {
      if (versionId !== undefined) return clean(await byVersionId(versionId, modelId, options))
      return modelId === undefined ? notFound : clean(await firstVersion(modelId, options))
    }
  }
}

/** A version out of its model's list, with what the model knows. */
export function listedVersion (model: CivitaiModelDocument, versionId: number): CivitaiVersionDocument | null {
  const listed = model.modelVersions?.find(({ id }) => id === versionId)
  return listed ? withoutGraphs(enrichVersion(listed, model)) : null
}
