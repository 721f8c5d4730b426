import { join } from 'node:path'
import type { StateDatabase } from '../database/types.ts'
import { createUploadShelf } from '../files/upload-shelf.ts'
import type { Journal } from '../journal/types.ts'
import type { JobSystem } from '../jobs/types.ts'
import type { Logger } from '../logger.ts'
import { createSidecarEditor, type EditRecorder, type EditSidecar } from '../models/edit-sidecar.ts'
import type { ModelLibrary } from '../models/ports.ts'
import type { SidecarOverlay } from '../models/sidecar-overlay.ts'
import type { ModelTypeName } from '../models/types.ts'
import type { Door } from '../network/types.ts'
import type { Providers } from '../providers/types.ts'
import type { ProgressHub } from '../progress/types.ts'
import type { SettingsManager } from '../settings/types.ts'
import { createEnsurePreview } from './ensure-preview.ts'
import { hashOf } from './hash-of.ts'
import { createHints } from './hints.ts'
import { createIdentify } from './identify.ts'
import { createLookups } from './lookups.ts'
import { createModelIds } from './model-ids.ts'
import { createProvenance, fieldSnapshot } from './provenance.ts'
import type { Metadata } from './refresh-run.ts'
import { createRefresher } from './refresher.ts'
import { createModelSync } from './sync.ts'
import type { MetadataShelf } from './types.ts'
import { watchModels } from './watch-models.ts'

export interface MetadataDeps {
  libraries: readonly ModelLibrary[]
  journal: Journal
  overlay: SidecarOverlay
  jobs: JobSystem
  hub: ProgressHub
  state: StateDatabase
  settings: SettingsManager
  door: Door
  providers: Pick<Providers, 'chain' | 'civitai'>
  logger: Logger
  now?: () => number
}

interface Parts extends Metadata { editSidecar: EditSidecar }

export function createMetadata (deps: MetadataDeps): MetadataShelf {
  const { libraries, state, settings, jobs, hub, journal, providers: { chain, civitai }, logger, now = Date.now } = deps
  const ids = createModelIds({ state, libraries })
  const provenance = createProvenance({ state, now })
  const lookups = createLookups({ state, now })
  const uploads = createUploadShelf(join(settings.directory, 'modelshelf', 'uploads-metadata'))
  const record = state.db.transaction<EditRecorder['record']>((model, before, after, source) => { provenance.record(ids.of(model), before, after, source) })
  const recorder: EditRecorder = {
    snapshot: fieldSnapshot,
    // one commit for the id and what is noted under it
    // The values themselves are on the disk already; should a power cut take this back, they come from the sidecar.
    record: (model, before, after, source) => { state.withoutWaiting(() => { record(model, before, after, source) }) }
  }
  const warn = (message: string, error: unknown): void => { logger.debug({ err: error }, message) }

  const parts = new Map(libraries.map((library): [ModelTypeName, Parts] => {
    const editSidecar = createSidecarEditor({ library, journal, overlay: deps.overlay, recorder })
    return [library.type.name, {
      editSidecar,
      sync: createModelSync({ library, editSidecar, chain, lookups, provenance, ids, hub, now }),
      ensurePreview: createEnsurePreview({ library, journal, hub, door: deps.door, uploads, settings, warn })
    }]
  }))
  const of = (type: ModelTypeName): Parts => {
    const found = parts.get(type)
    if (!found) throw new Error(`There is no library of type ${type}`)
    return found
  }

  const hints = createHints({ state, civitai, libraries, editSidecar: (type) => of(type).editSidecar, now })
  const shared = { civitai, lookups, jobs, settings }
  const refresher = createRefresher({ ...shared, hub, now, types: libraries.map(({ type }) => type), metadataOf: of })
  const identify = createIdentify({ ...shared, hints, metadata: [...parts.values()] })
  const unwatch = watchModels(hub, {
    moved (type, from, to) {
      ids.moved(type, from, to)
      hints.moved(type, from, to)
    },
    hashed () { hints.settle().catch((error: unknown) => { logger.warn({ err: error }, 'identities could not be confirmed') }) }
  })

  return {
    ids,
    provenance,
    recorder,
    refresher,
    hints,
    of,
    identify,
    hashOf: async (model) => await hashOf(of(model.type).sync.library, jobs, model),
    close: unwatch
  }
}
