import type { IndexedModel } from '../models/entry.ts'
import type { ModelTypeName } from '../models/types.ts'
import type { RemoteVersion } from './remote-versions.ts'
import type { KnownVersion, UpdateRecord } from './types.ts'

export function emptyRecord (modelType: ModelTypeName, modelId: number): UpdateRecord {
  return { modelId, modelType, lastCheckedAt: null, shouldIgnore: false, versions: [] }
}

export function bareVersion (versionId: number, sortIndex: number): KnownVersion {
  return {
    versionId,
    sortIndex,
    name: null,
    baseModel: null,
    releasedAt: null,
    sizeBytes: null,
    previewUrl: null,
    isInLibrary: false,
    shouldIgnore: false,
    earlyAccessEndsAt: null,
    earlyAccess: false,
    usageControl: null,
    paidAccess: null,
    isPaid: false
  }
}

/** The record with what the library has now; versions that only the library has stand last. */
export function withLibrary (record: UpdateRecord, owned: readonly IndexedModel[]): UpdateRecord {
  const ids = new Set(owned.flatMap(({ civitai }) => civitai?.id ?? []))
  const known = new Set(record.versions.map(({ versionId }) => versionId))
  const next = Math.max(-1, ...record.versions.map(({ sortIndex }) => sortIndex)) + 1
  const bare = [...ids].filter((id) => !known.has(id)).sort((one, other) => other - one).map((id, at) => bareVersion(id, next + at))
  return { ...record, versions: [...record.versions, ...bare].map((version) => ({ ...version, isInLibrary: ids.has(version.versionId) })) }
}

/**
 * The record with the versions that a provider lists, in its order. What the user turned down stays so; versions that are
 * no longer listed stay only while the library has them or the user turned them down.
 * @param archive The list comes from an archive: it takes nothing away and replaces nothing that is known.
 */
export function withRemote (record: UpdateRecord, remote: readonly RemoteVersion[], owned: readonly IndexedModel[], { archive = false } = {}): UpdateRecord {
  const known = new Map(record.versions.map((version) => [version.versionId, version]))
  const listed = remote.map((version, at) => merged(known.get(version.versionId), version, at, archive))
  const ids = new Set(listed.map(({ versionId }) => versionId))
  const rest = withLibrary({ ...record, versions: record.versions.filter(({ versionId }) => !ids.has(versionId)) }, owned.filter(({ civitai }) => !ids.has(civitai?.id ?? 0))).versions
    .filter(({ isInLibrary, shouldIgnore }) => archive || isInLibrary || shouldIgnore)
  return withLibrary({ ...record, versions: inOrder([...listed, ...rest]) }, owned)
}

function merged (known: KnownVersion | undefined, { sha256, ...remote }: RemoteVersion, sortIndex: number, archive: boolean): KnownVersion {
  const base = known ?? bareVersion(remote.versionId, sortIndex)
  const [first, second] = archive && known ? [known, remote] : [remote, base]
  return {
    ...base,
    ...first,
    sortIndex: archive && known ? known.sortIndex : sortIndex,
    name: first.name ?? second.name,
    baseModel: first.baseModel ?? second.baseModel,
    releasedAt: first.releasedAt ?? second.releasedAt,
    sizeBytes: first.sizeBytes ?? second.sizeBytes,
    previewUrl: first.previewUrl ?? second.previewUrl,
    // Lists of versions don't say it; other endpoints did.
    usageControl: first.usageControl ?? second.usageControl
  }
}

function inOrder (versions: KnownVersion[]): KnownVersion[] {
  return versions.sort((one, other) => one.sortIndex - other.sortIndex || other.versionId - one.versionId)
}
