import type { VersionHistory } from '../../services/downloads/version-history.ts'
import { previewUrl } from '../../services/models/preview-url.ts'
import type { KnownVersion, UpdateRecord, Updates } from '../../services/updates/types.ts'

type Version = ReturnType<typeof versionView>

/** A record as clients know it. */
export interface RecordView {
  modelType: string
  modelId: number
  largestVersionId: number | null
  versionIds: number[]
  inLibraryVersionIds: number[]
  lastCheckedAt: number | null
  shouldIgnore: boolean
  hasUpdate: boolean
  versions: Version[]
}

export interface ViewDeps { updates: Pick<Updates, 'hasUpdate' | 'isEarlyAccess' | 'owned'> }

export interface LocalDeps extends ViewDeps {
  history: Pick<VersionHistory, 'downloaded' | 'knows'>
  warn: (message: string, error: unknown) => void
}

/** What the table of updates knows; members that speak of local files stay empty. */
export function recordView ({ updates }: ViewDeps, record: UpdateRecord): RecordView {
  const ids = record.versions.map(({ versionId }) => versionId).sort((one, other) => one - other)
  return {
    modelType: record.modelType,
    modelId: record.modelId,
    largestVersionId: ids.at(-1) ?? null,
    versionIds: ids,
    inLibraryVersionIds: record.versions.filter(({ isInLibrary }) => isInLibrary).map(({ versionId }) => versionId).sort((one, other) => one - other),
    lastCheckedAt: record.lastCheckedAt,
    shouldIgnore: record.shouldIgnore,
    hasUpdate: updates.hasUpdate(record),
    versions: record.versions.map((version) => versionView(version, updates.isEarlyAccess(version)))
  }
}

/** The same with the files of each version that lie here, and what was ever downloaded. */
export function localRecordView (deps: LocalDeps, record: UpdateRecord): RecordView {
  const view = recordView(deps, record)
  const files = deps.updates.owned(record.modelId)
  const wasDownloaded = downloadedOf(deps, record)
  return {
    ...view,
    versions: view.versions.map((version) => {
      const file = files.find(({ civitai }) => civitai?.id === version.versionId)
      return {
        ...version,
        hasBeenDownloaded: wasDownloaded(version.versionId, file !== undefined),
        ...(file && { filePath: file.file_path, fileName: file.file_name, previewUrl: previewUrl(file.preview_url) || version.previewUrl })
      }
    })
  }
}

/** What is so new here that the history has not heard of it counts too, and everything that is here while there is no history. */
function downloadedOf ({ history, warn }: LocalDeps, { modelType, versions }: UpdateRecord): (versionId: number, isHere: boolean) => boolean {
  try {
    const downloaded = history.downloaded(modelType, versions.map(({ versionId }) => versionId))
    return (versionId, isHere) => downloaded.has(versionId) || (isHere && !history.knows(modelType, versionId))
  } catch (error) {
    warn('the history of downloads could not be read', error)
    return (_versionId, isHere) => isHere
  }
}

function versionView (version: KnownVersion, isEarlyAccess: boolean) {
  const { versionId, name, baseModel, releasedAt, sizeBytes, previewUrl: preview, isInLibrary, shouldIgnore, earlyAccessEndsAt, usageControl, isPaid, paidAccess } = version
  return {
    versionId,
    name,
    baseModel,
    releasedAt,
    sizeBytes,
    previewUrl: preview,
    isInLibrary,
    hasBeenDownloaded: false,
    shouldIgnore,
    earlyAccessEndsAt,
    isEarlyAccess,
    usageControl,
    isPaid,
    paidAccess,
    filePath: null as string | null,
    fileName: null as string | null
  }
}
