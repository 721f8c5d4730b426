import type { CivitaiVersionDocument } from '../civitai/schema.ts'
import type { ModelTypeName } from '../models/types.ts'
import type { SettingsManager } from '../settings/types.ts'
import type { Misses } from './misses.ts'
import { emptyRecord, withLibrary, withRemote } from './records.ts'
import { remoteVersion, type RemoteVersion } from './remote-versions.ts'
import type { UpdateStore } from './store.ts'
import type { OwnedModels, UpdateRecord } from './types.ts'

/** Reads and writes records; each read is followed by its write without a pause, so that nothing said meanwhile is lost. */
export interface RecordKeeper {
  /** The record as it is, with what the library has now; undefined where nothing is stored. */
  stored (type: ModelTypeName, modelId: number): UpdateRecord | undefined
  /** The same, with an empty one for a model that nothing is stored of. */
  current (type: ModelTypeName, modelId: number): UpdateRecord
  save (record: UpdateRecord): void
  /** What a provider lists, ready to be taken. */
  read (versions: readonly CivitaiVersionDocument[]): RemoteVersion[]
  /** Takes what was listed into the record, without writing it. */
  merged (type: ModelTypeName, modelId: number, versions: readonly RemoteVersion[], archive: boolean): UpdateRecord
  /** CivitAI has the model no more; marks the record when that is certain. */
  missing (type: ModelTypeName, modelId: number): UpdateRecord
}

export interface KeeperDeps {
  store: UpdateStore
  misses: Misses
  owned: OwnedModels
  settings: Pick<SettingsManager, 'get'>
  now: () => number
}

export function createRecordKeeper ({ store, misses, owned, settings, now }: KeeperDeps): RecordKeeper {
  const keeper: RecordKeeper = {
    stored (type, modelId) {
      const record = store.find(modelId, type)
      return record && withLibrary(record, owned(modelId))
    },
    current: (type, modelId) => keeper.stored(type, modelId) ?? withLibrary(emptyRecord(type, modelId), owned(modelId)),
    save (record) { store.save(record) },
    read (versions) {
      const preferences = { blur: settings.get('blur_mature_content') !== false, level: String(settings.get('mature_blur_level')) }
      return versions.map((version) => remoteVersion(version, preferences))
    },
    merged (type, modelId, versions, archive) {
      if (!archive) misses.forget(modelId)
      return { ...withRemote(keeper.current(type, modelId), versions, owned(modelId), { archive }), lastCheckedAt: now() / 1000 }
    },
    missing (type, modelId) {
      const record = { ...keeper.current(type, modelId), lastCheckedAt: now() / 1000 }
      return misses.confirm(modelId) ? { ...record, shouldIgnore: true } : record
    }
  }
  return keeper
}
