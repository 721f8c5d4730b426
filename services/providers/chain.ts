import type { Failure, Outcome } from '../civitai/types.ts'
import type { SettingsManager } from '../settings/types.ts'
import type { Attempt, ChainOptions, ChainOutcome, MetadataProvider, ProviderChain, ProviderName } from './types.ts'

const orders: Readonly<Record<string, readonly ProviderName[]>> = {
  civitai_archive_sqlite: ['civitai_api', 'civarchive_api', 'sqlite'],
  civitai_sqlite_archive: ['civitai_api', 'sqlite', 'civarchive_api']
}
const usual: readonly ProviderName[] = ['civitai_api', 'civarchive_api', 'sqlite']

export interface ChainDeps {
  providers: readonly MetadataProvider[]
  settings: Pick<SettingsManager, 'get'>
}

/** Asks one provider after the other until one has an answer. */
export function createProviderChain ({ providers, settings }: ChainDeps): ProviderChain {
  function order (): ProviderName[] {
    const wanted = orders[String(settings.get('metadata_provider_order'))] ?? usual
    return wanted.filter((name) => providers.some((provider) => provider.name === name && provider.enabled()))
  }

  function asked ({ only, first }: ChainOptions): MetadataProvider[] {
    const names = order().filter((name) => only === undefined || only.includes(name))
    const sorted = first !== undefined && names.includes(first) ? [first, ...names.filter((name) => name !== first)] : names
    return sorted.flatMap((name) => providers.find((provider) => provider.name === name) ?? [])
  }

  async function ask<T> (options: ChainOptions, question: (provider: MetadataProvider) => Promise<Outcome<T>>): Promise<ChainOutcome<T>> {
    const attempts: Attempt[] = []
    const failures: { provider: ProviderName, failure: Failure }[] = []
    for (const provider of asked(options)) {
      const outcome = await question(provider)
      attempts.push({ provider: provider.name, kind: outcome.kind as Attempt['kind'] })
      if (outcome.kind === 'found') return { ...outcome, attempts, provider: provider.name, source: provider.source }
      failures.push({ provider: provider.name, failure: outcome })
    }
    return { ...summary(failures), attempts }
  }

  return {
    order,
    versionByHash: async (sha256, options = {}) => await ask(options, async (provider) => await provider.versionByHash(sha256, options)),
    version: async (choice, options = {}) => await ask(options, async (provider) => await provider.version(choice, options)),
    modelVersions: async (modelId, options = {}) => await ask(options, async (provider) => await provider.modelVersions(modelId, options))
  }
}

/** What is known when nobody had it: CivitAI's word decides where it was asked; elsewhere an unknown beats a "not found". */
function summary (failures: readonly { provider: ProviderName, failure: Failure }[]): Failure {
  const civitai = failures.find(({ provider }) => provider === 'civitai_api')
  if (civitai) return civitai.failure
  const unknown = failures.find(({ failure }) => failure.kind !== 'not-found')
  if (unknown) return unknown.failure
  return failures.length > 0 ? { kind: 'not-found' } : { kind: 'unavailable', offline: false, message: 'No provider of metadata is switched on' }
}
