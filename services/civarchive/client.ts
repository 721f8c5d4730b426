import { askJson } from '../civitai/ask-json.ts'
import type { CivitaiVersionDocument } from '../civitai/schema.ts'
import type { EnrichedVersion, Outcome, VersionChoice } from '../civitai/types.ts'
import { destinationNames } from '../network/destinations.ts'
import type { CallOptions, Door } from '../network/types.ts'
import type { MetadataProvider, ModelVersions } from '../providers/types.ts'
import { readArchived, type ArchivedAnswer } from './normalize.ts'

export interface CivarchiveDeps {
  door: Pick<Door, 'request'>
  /** E.g. `https://civarchive.com/api`. */
  base: () => string
  enabled: () => boolean
}

/** Ids from here on are the archive's own, not CivitAI's. */
const FIRST_FOREIGN_ID = 100_000_000
/** Files of a bare file answer whose versions are looked up. */
const MOST_FOLLOWED = 3
const notFound = { kind: 'not-found' } as const

/** Metadata of models that CivitAI no longer has, or never had. It knows no users' lists. */
export function createCivarchive ({ door, base, enabled }: CivarchiveDeps): MetadataProvider {
  async function ask (path: string, options: CallOptions = {}): Promise<Outcome<ArchivedAnswer>> {
    const outcome = await askJson(door, { ...options, destination: destinationNames.civarchive, url: base() + path })
    if (outcome.kind !== 'found') return outcome
    const answer = readArchived(outcome.value)
    return answer ? { kind: 'found', value: answer } : { kind: 'invalid', message: 'The answer has an unexpected form' }
  }

  async function version ({ modelId, versionId }: VersionChoice, options?: CallOptions, redirected = false): Promise<Outcome<EnrichedVersion>> {
    if (modelId === undefined && versionId === undefined) return notFound
    // With a version id any model id will do: the service finds the right one.
    const outcome = await ask(`/models/${modelId ?? 1}${versionId === undefined ? '' : `?modelVersionId=${versionId}`}`, options)
    if (outcome.kind !== 'found') return outcome
    const { version: found, contextModelId } = outcome.value
    if (!found || (versionId !== undefined && found.id !== versionId)) return notFound
    const { modelId: actual } = found
    const elsewhere = modelId !== undefined && actual !== undefined && actual !== modelId && actual !== contextModelId
    if (elsewhere && !redirected) return await version({ modelId: actual, versionId: found.id }, options, true)
    return complete(found)
  }

  return {
    name: 'civarchive_api',
    source: 'civarchive',
    enabled,
    version,
    async versionByHash (sha256, options) {
      if (!/^[0-9a-f]{64}$/i.test(sha256)) return notFound
      const outcome = await ask(`/sha256/${sha256.toLowerCase()}`, options)
      if (outcome.kind !== 'found') return outcome
      if (outcome.value.version) return complete(outcome.value.version)
      let last: Outcome<EnrichedVersion> = notFound
      for (const { modelId, versionId } of outcome.value.fileRows.filter(({ modelId, versionId }) => modelId < FIRST_FOREIGN_ID && versionId < FIRST_FOREIGN_ID).slice(0, MOST_FOLLOWED)) {
        const followed = await version({ modelId, versionId }, options)
        if (followed.kind === 'found') return followed
        if (followed.kind !== 'not-found') last = followed
      }
      return last
    },
    async modelVersions (modelId, options): Promise<Outcome<ModelVersions>> {
      const outcome = await ask(`/models/${modelId}`, options)
      if (outcome.kind !== 'found') return outcome
      const { versions, version: shown, name, type } = outcome.value
      const modelVersions = versions.map((listed) => listed.id === shown?.id ? shown : listed)
      if (shown && !modelVersions.some(({ id }) => id === shown.id)) modelVersions.unshift(shown)
      return modelVersions.length === 0 ? notFound : { kind: 'found', value: { modelVersions, name, type } }
    }
  }
}

const complete = (version: CivitaiVersionDocument): Outcome<EnrichedVersion> => ({ kind: 'found', value: { version, complete: true } })
