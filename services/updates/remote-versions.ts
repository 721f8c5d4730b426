import { earlyAccessEnd, hasEarlyAccessFlag, isPaid, paidAccessOf } from '../civitai/access.ts'
import { defaultFile, sha256Of } from '../civitai/file-choice.ts'
import { choosePreview, type PreviewPreferences } from '../civitai/preview-choice.ts'
import type { CivitaiVersionDocument } from '../civitai/schema.ts'
import type { KnownVersion } from './types.ts'

/** A version as a provider lists it; what belongs to the library and the user is not in it. */
export interface RemoteVersion extends Omit<KnownVersion, 'sortIndex' | 'isInLibrary' | 'shouldIgnore'> {
  /** SHA-256 of one of its files, lower-case; null when none is named. */
  sha256: string | null
}

export function remoteVersion (document: CivitaiVersionDocument, preferences: PreviewPreferences): RemoteVersion {
  const { files = [], images = [] } = document
  const media = choosePreview(images, preferences)
  const hashed = [defaultFile(files), ...files].find((file) => file !== null && sha256Of(file) !== null)
  return {
    versionId: document.id,
    name: document.name ?? null,
    baseModel: document.baseModel ?? null,
    releasedAt: document.publishedAt ?? document.createdAt ?? null,
    sizeBytes: sizeOf(files),
    previewUrl: media && (media.smaller ?? media.url),
    earlyAccessEndsAt: earlyAccessEnd(document),
    earlyAccess: hasEarlyAccessFlag(document),
    usageControl: document.usageControl ?? null,
    paidAccess: paidAccessOf(document),
    isPaid: isPaid(document),
    sha256: hashed ? sha256Of(hashed) : null
  }
}

/** Bytes of the primary model file, else of the first file whose size is known. */
function sizeOf (files: NonNullable<CivitaiVersionDocument['files']>): number | null {
  const primary = files.find(({ primary, type, sizeKB }) => primary === true && type === 'Model' && typeof sizeKB === 'number')
  const kilobytes = (primary ?? files.find(({ sizeKB }) => typeof sizeKB === 'number'))?.sizeKB
  return typeof kilobytes === 'number' ? Math.round(kilobytes * 1024) : null
}
