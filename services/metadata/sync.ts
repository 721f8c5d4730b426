import type { EnrichedVersion, Failure } from '../civitai/types.ts'
import { defaultSidecar } from '../models/default-sidecar.ts'
import type { EditSidecar } from '../models/edit-sidecar.ts'
import type { IndexedModel } from '../models/entry.ts'
import type { ModelLibrary } from '../models/ports.ts'
import { readBoolean, readText } from '../models/read-value.ts'
import type { CallOptions } from '../network/types.ts'
import type { Attempt, ChainOptions, ChainOutcome, MetadataSource, ProviderChain, ProviderName } from '../providers/types.ts'
import type { ProgressHub } from '../progress/types.ts'
import type { Lookups } from './lookups.ts'
import { mergeVersion } from './merge.ts'
import type { ModelIds } from './model-ids.ts'
import { fieldSourceOf, type Provenance } from './provenance.ts'

/** What came of asking for one model. Every message is for people. */
export type SyncOutcome =
  | { kind: 'updated', model: IndexedModel, version: EnrichedVersion['version'] }
  /** `marked`: the sidecar says so now. */
  | { kind: 'not-found', message: string, marked: boolean }
  /** The message holds the words "Rate limited", which clients look for. */
  | { kind: 'rate-limited', message: string, retryAfter: number | null }
  | { kind: 'offline', message: string }
  | { kind: 'failed', message: string }

export interface FoundVersion extends EnrichedVersion { source: MetadataSource }

export interface ApplyOptions {
  route: string
  relink?: boolean
  /** Found where CivitAI was left out: it stays marked as deleted. */
  deleted?: boolean
  dbChecked?: boolean
}

/** Metadata of the models of one type from outside. */
export interface ModelSync {
  readonly library: ModelLibrary
  /** Asks for a model whose SHA-256 is known and merges what comes. */
  fetch (model: IndexedModel, route: string, options?: CallOptions): Promise<SyncOutcome>
  /** Merges a version into the sidecar. @throws what edits throw */
  apply (model: IndexedModel, found: FoundVersion, options: ApplyOptions): Promise<IndexedModel>
}

export interface SyncDeps {
  library: ModelLibrary
  editSidecar: EditSidecar
  chain: Pick<ProviderChain, 'versionByHash' | 'order'>
  lookups: Lookups
  provenance: Pick<Provenance, 'edits'>
  ids: Pick<ModelIds, 'known'>
  hub: Pick<ProgressHub, 'publish'>
  now: () => number
}

/** Which providers are asked, and what their word means for the marks of the model. */
interface Road { options: ChainOptions, kind: 'default' | 'deleted' | 'hugging-face' }

export function createModelSync (deps: SyncDeps): ModelSync {
  const { library, editSidecar, chain, lookups, hub } = deps

  function roadOf (document: Record<string, unknown>): Road | null {
    if (document.civitai_deleted === true) {
      const source = readText(document.metadata_source)
      const only: ProviderName[] = [
        ...(source === '' || source === 'civarchive' ? ['civarchive_api' as const] : []),
        ...(readBoolean(document.db_checked, false) ? [] : ['sqlite' as const])
      ].filter((name) => chain.order().includes(name))
      return only.length === 0 ? null : { options: { only }, kind: 'deleted' }
    }
    return readText(document.hf_url) === '' ? { options: {}, kind: 'default' } : { options: { only: ['civitai_api'] }, kind: 'hugging-face' }
  }

  async function apply (model: IndexedModel, found: FoundVersion, { route, relink = false, deleted = false, dbChecked = false }: ApplyOptions): Promise<IndexedModel> {
    const { model: edited, operation } = await editSidecar({
      path: model.file_path,
      kind: 'sync',
      route,
      summary: `Metadata of ${model.file_name}`,
      source: fieldSourceOf(found.source),
      change (document, current) {
        mergeVersion(document, { ...found, relink, now: deps.now() / 1000, sha256: current.sha256, edits: deps.provenance.edits(deps.ids.known(current)) })
        if (!deleted) document.civitai_deleted = false
        if (dbChecked || found.source === 'archive_db') document.db_checked = true
      }
    })
    if (edited.sha256 !== '') lookups.found(edited.sha256, found.complete || found.source !== 'civitai_api')
    const refs = operation === null ? {} : { operation }
    hub.publish('model.updated', { model_type: library.type.name, file_path: edited.file_path }, refs)
    return edited
  }

  /** A flag only when CivitAI said 404 twice, a day apart; what the local archive said at once. */
  async function noteMissing (model: IndexedModel, road: Road, attempts: readonly Attempt[], route: string): Promise<boolean> {
    const marked = road.kind === 'default' && said(attempts, 'civitai_api', 'not-found') && lookups.confirmMissing(model.sha256)
    const dbChecked = said(attempts, 'sqlite', 'not-found') && !model.db_checked
    if (!marked && !dbChecked) return false
    await editSidecar({
      path: model.file_path,
      kind: 'sync',
      route,
      summary: marked ? `${model.file_name} is no longer on CivitAI` : `${model.file_name} is not in the archive`,
      source: 'civitai',
      change (document) {
        if (dbChecked) document.db_checked = true
        if (!marked) return
        document.from_civitai = false
        document.civitai_deleted = true
        document.last_checked_at = deps.now() / 1000
      }
    })
    return marked
  }

  return {
    library,
    apply,
    async fetch (model, route, options = {}) {
      const road = roadOf(library.sidecar(model.file_path) ?? defaultSidecar(model))
      const label = `${model.file_name} (${model.sha256})`
      if (!road) return { kind: 'failed', message: `CivitAI no longer has ${label}, and no archive is left to ask` }
      const outcome: ChainOutcome<EnrichedVersion> = await chain.versionByHash(model.sha256, { ...options, ...road.options })
      if (outcome.kind === 'found') {
        const { version, complete } = outcome.value
        const dbChecked = outcome.attempts.some(({ provider }) => provider === 'sqlite')
        return { kind: 'updated', version, model: await apply(model, { version, complete, source: outcome.source ?? 'civitai_api' }, { route, deleted: road.kind === 'deleted', dbChecked }) }
      }
      if (outcome.kind === 'not-found') {
        const marked = await noteMissing(model, road, outcome.attempts, route)
        return { kind: 'not-found', marked, message: `Model not found: no provider knows ${label}` }
      }
      return failureOf(outcome, label)
    }
  }
}

function said (attempts: readonly Attempt[], provider: ProviderName, kind: Attempt['kind']): boolean {
  return attempts.some((attempt) => attempt.provider === provider && attempt.kind === kind)
}

/** In the words that clients look for. */
export function failureOf (failure: Exclude<Failure, { kind: 'not-found' }>, label: string): Exclude<SyncOutcome, { kind: 'updated' | 'not-found' }> {
  switch (failure.kind) {
    case 'rate-limited': {
      const again = failure.retryAfter === null ? '' : `; it asks for ${Math.ceil(failure.retryAfter)} seconds of patience`
      return { kind: 'rate-limited', retryAfter: failure.retryAfter, message: `Rate limited by the provider while asking for ${label}${again}` }
    }
    case 'unavailable': return failure.offline
      ? { kind: 'offline', message: `The provider can't be reached: offline. ${label} can be asked for again later` }
      : { kind: 'failed', message: `${failure.message} (${label})` }
    case 'unauthorized': return { kind: 'failed', message: `The provider refuses access; check the API key (${label})` }
    case 'invalid': return { kind: 'failed', message: `${failure.message} (${label})` }
  }
}
