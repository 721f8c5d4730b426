import type { CivitaiVersionDocument } from '../civitai/schema.ts'
import type { CivitaiClient, EnrichedVersion, Outcome, VersionChoice } from '../civitai/types.ts'
import type { HuggingFaceClient } from '../hugging-face/types.ts'
import type { CallOptions } from '../network/types.ts'

export type ProviderName = 'civitai_api' | 'civarchive_api' | 'sqlite'

/** What a sidecar keeps as `metadata_source`. */
export type MetadataSource = 'civitai_api' | 'civarchive' | 'archive_db'

/** All versions of a model, newest first as the provider orders them. */
export interface ModelVersions { modelVersions: CivitaiVersionDocument[], type: string, name: string }

export interface MetadataProvider {
  readonly name: ProviderName
  readonly source: MetadataSource
  /** By setting, and whether it is there at all (the archive's file). */
  enabled (): boolean
  versionByHash (sha256: string, options?: CallOptions): Promise<Outcome<EnrichedVersion>>
  version (choice: VersionChoice, options?: CallOptions): Promise<Outcome<EnrichedVersion>>
  modelVersions (modelId: number, options?: CallOptions): Promise<Outcome<ModelVersions>>
}

export interface ChainOptions extends CallOptions {
  /** Asks only these, in their order of the settings; an explicit list may start with any. */
  only?: readonly ProviderName[] | undefined
  /** Asks this one before the others (a download from CivArchive). */
  first?: ProviderName | undefined
}

/** Who was asked, in order, and what each said. */
export interface Attempt { provider: ProviderName, kind: Outcome<never>['kind'] }

/**
 * Outcome of the chain. The first provider that found it wins.
 * `not-found` is only said when CivitAI itself answered 404 – or, when the chain was told to leave CivitAI out, when all asked said so;
 * an unknown (rate limit, offline, error) of CivitAI stays that unknown, whatever the archives say.
 */
export type ChainOutcome<T> = (Outcome<T> & { attempts: Attempt[] }) & { provider?: ProviderName, source?: MetadataSource }

export interface ProviderChain {
  /** Names of enabled providers in the order of the setting `metadata_provider_order`. */
  order (): ProviderName[]
  versionByHash (sha256: string, options?: ChainOptions): Promise<ChainOutcome<EnrichedVersion>>
  version (choice: VersionChoice, options?: ChainOptions): Promise<ChainOutcome<EnrichedVersion>>
  modelVersions (modelId: number, options?: ChainOptions): Promise<ChainOutcome<ModelVersions>>
}

/** All that is known of the outside, on one shelf: `core.providers`. */
export interface Providers {
  civitai: CivitaiClient
  huggingFace: HuggingFaceClient
  chain: ProviderChain
  /** The offline archive: whether and where it lies. */
  archive: MetadataProvider & { file (): string | null }
  /** Where to download from: CivitAI's addresses brought to the host in use, others unchanged. */
  downloadAddress (address: string): string
  /** Base addresses in use, without a slash at the end. */
  bases (): { civitai: string, civarchive: string, huggingface: string }
  close (): void
}
