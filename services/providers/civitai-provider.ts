import type { CivitaiClient } from '../civitai/types.ts'
import { withoutGraphs } from '../civitai/enrich.ts'
import type { MetadataProvider } from './types.ts'

/** CivitAI as one of the providers. */
export function createCivitaiProvider (client: CivitaiClient): MetadataProvider {
  return {
    name: 'civitai_api',
    source: 'civitai_api',
    enabled: () => true,
    versionByHash: async (sha256, options) => await client.enrichedByHash(sha256, options),
    version: async (choice, options) => await client.enriched(choice, options),
    async modelVersions (modelId, options) {
      const outcome = await client.model(modelId, options)
      if (outcome.kind !== 'found') return outcome
      const { modelVersions = [], type = '', name = '' } = outcome.value
      return { kind: 'found', value: { modelVersions: modelVersions.map((version) => withoutGraphs({ ...version, modelId: version.modelId ?? modelId })), type, name } }
    }
  }
}
