import type { Logger } from '../logger.ts'
import { openSharedDatabase } from '../database/shared.ts'
import type { StateDatabase } from '../database/types.ts'
import { DomainError, NotFoundError } from '../errors.ts'
import type { Job, JobSystem } from '../jobs/types.ts'
import type { Journal } from '../journal/types.ts'
import type { MetadataShelf } from '../metadata/types.ts'
import { createSidecarEditor, type EditSidecar } from '../models/edit-sidecar.ts'
import type { ModelLibrary } from '../models/ports.ts'
import type { SidecarOverlay } from '../models/sidecar-overlay.ts'
import type { ModelTypeName } from '../models/types.ts'
import type { Providers } from '../providers/types.ts'
import type { ProgressHub } from '../progress/types.ts'
import type { SettingsManager } from '../settings/types.ts'
import { askModel } from './ask-model.ts'
import { createChecks, isDue } from './checks.ts'
import { withExactEnds } from './exact-ends.ts'
import type { UpdateFlagsFile } from './flags.ts'
import { createRecordKeeper } from './keeper.ts'
import { createLicences } from './licences.ts'
import { createMisses } from './misses.ts'
import { endOf, hasUpdate, hiddenOffers, isInEarlyAccess } from './offers.ts'
import { bareVersion } from './records.ts'
import { refusalOf } from './refusal.ts'
import { createUpdateStore } from './store.ts'
import { prepareUpdates } from './tables.ts'
import type { LicenceAnswer, OwnedModels, UpdateRecord, Updates } from './types.ts'
import { tellUsage } from './usage-control.ts'

export interface UpdatesDeps {
  libraries: readonly ModelLibrary[]
  /** Path of the table of the active library. */
  file: () => string
  owned: OwnedModels
  flags: Pick<UpdateFlagsFile, 'renew'>
  providers: Pick<Providers, 'chain' | 'civitai'>
  settings: SettingsManager
  state: StateDatabase
  jobs: JobSystem
  hub: ProgressHub
  journal: Journal
  overlay: SidecarOverlay
  metadata: Pick<MetadataShelf, 'recorder'>
  logger: Logger
  now?: () => number
}

/** Puts together what `core.updates` is. */
export function createUpdates (deps: UpdatesDeps): Updates {
  const { libraries, owned, flags, settings, jobs, hub, journal, overlay, logger, now = Date.now, providers: { chain, civitai } } = deps
  const store = createUpdateStore({ file: deps.file, open: (file) => openSharedDatabase(file, prepareUpdates, logger) })
  const misses = createMisses({ state: deps.state, now })
  const keeper = createRecordKeeper({ store, misses, owned, settings, now })
  const editors = new Map(libraries.map((library): [ModelTypeName, EditSidecar] => [library.type.name, createSidecarEditor({ library, journal, overlay, recorder: deps.metadata.recorder })]))
  const running = new Map<string, ModelTypeName>()

  const of = <T>(found: T | undefined, type: ModelTypeName): T => {
    if (found === undefined) throw new Error(`There is no library of type ${type}`)
    return found
  }
  const libraryOf = (type: ModelTypeName): ModelLibrary => of(libraries.find((library) => library.type.name === type), type)
  const isUpdate = (record: UpdateRecord): boolean => hasUpdate(record, hiddenOffers(settings), now())

  function onWritten (type: ModelTypeName, modelIds: readonly number[]): void {
    if (modelIds.length === 0) return
    flags.renew(modelIds)
    hub.publish('updates.changed', { model_type: type, models: modelIds.length })
  }

  function keep (record: UpdateRecord): UpdateRecord {
    keeper.save(record)
    onWritten(record.modelType, [record.modelId])
    return record
  }

  const checks = createChecks({ civitai, chain, keeper, libraryOf, jobs, hub, hasUpdate: isUpdate, states: async () => await store.states(), now, onWritten })
  const startLicences = createLicences({ civitai, libraryOf, editSidecarOf: (type) => of(editors.get(type), type), jobs, hub })

  /** @throws DomainError for a job that failed; null for one that was cancelled */
  async function ended (type: ModelTypeName, id: string): Promise<Job | null> {
    running.set(id, type)
    try {
      const job = await jobs.finished(id)
      const { code = 'failed', message = 'The work could not be done' } = job.error ?? {}
      if (job.state === 'failed') throw new DomainError(code === 'rate-limited' ? 'rate-limited' : code === 'offline' || code === 'not-ready' ? 'unavailable' : 'failed', code, message)
      return job.state === 'succeeded' ? job : null
    } finally {
      running.delete(id)
    }
  }

  async function ask (type: ModelTypeName, modelId: number, mustAsk: boolean): Promise<UpdateRecord> {
    const answer = await askModel(chain, modelId, { urgent: true })
    const stored = keeper.stored(type, modelId)
    const isKnown = stored !== undefined || owned(modelId).length > 0
    if (answer.kind === 'found') {
      const remote = keeper.read(answer.versions)
      if (!answer.archive) await tellUsage(civitai, [{ record: keeper.current(type, modelId), remote }], { urgent: true })
      const record = keeper.merged(type, modelId, remote, answer.archive)
      return isKnown ? keep(record) : record
    }
    if (answer.kind === 'not-found' && !isKnown) throw new NotFoundError('No updates are tracked for this model', 'model-not-tracked')
    if (answer.kind === 'not-found') return keep(keeper.missing(type, modelId))
    // What the library has is an answer too, when nobody asked for more.
    if (isKnown && !mustAsk && answer.kind !== 'rate-limited') return keeper.current(type, modelId)
    throw refusalOf(answer, `model ${modelId}`)
  }

  return {
    owned,
    hasUpdate: isUpdate,
    isEarlyAccess: (version) => isInEarlyAccess({ ...version, endsAt: endOf(version.earlyAccessEndsAt) }, now()),
    async check (scope) {
      const job = await ended(scope.type, checks.start(scope).id)
      return job ? { status: 'completed', records: await checks.updatesIn(scope) } : { status: 'cancelled' }
    },
    async record ({ type, modelId, refresh, force }) {
      const stored = keeper.stored(type, modelId)
      if (stored && !force && !(refresh && isDue(stored, now()))) return stored
      return await ask(type, modelId, refresh || force)
    },
    withExactEnds: async (record) => await withExactEnds(civitai, record),
    async ignoreModel (type, modelId, shouldIgnore) {
      misses.forget(modelId)
      return keep({ ...keeper.current(type, modelId), shouldIgnore })
    },
    async ignoreVersion (type, modelId, versionId, shouldIgnore) {
      const record = keeper.current(type, modelId)
      const versions = record.versions.some((version) => version.versionId === versionId) ? record.versions : [...record.versions, bareVersion(versionId, record.versions.length)]
      return keep({ ...record, versions: versions.map((version) => version.versionId === versionId ? { ...version, shouldIgnore } : version) })
    },
    async fetchLicences (type, modelIds) {
      const job = await ended(type, startLicences({ type, modelIds }))
      return job && job.result as LicenceAnswer
    },
    cancel (type) {
      for (const [id, of] of running) if (of === type && ['queued', 'running', 'paused'].includes(jobs.get(id)?.state ?? '')) jobs.cancel(id)
    },
    close () { store.close() }
  }
}
