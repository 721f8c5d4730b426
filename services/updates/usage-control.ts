import type { CivitaiClient } from '../civitai/types.ts'
import type { CallOptions } from '../network/types.ts'
import type { RemoteVersion } from './remote-versions.ts'
import type { UpdateRecord } from './types.ts'

/**
 * Says of versions that may be updates whether they can be downloaded, and when early access ends: lists don't, the bulk
 * endpoint by hash does. Versions that are known to be for download are not asked for again. A failure leaves it unsaid.
 * @param models Each with what is stored of it and what was listed just now; the lists are changed in place
 */
export async function tellUsage (civitai: Pick<CivitaiClient, 'versionsByHash'>, models: readonly { record: UpdateRecord, remote: RemoteVersion[] }[], options: CallOptions): Promise<void> {
  const hashes = models.flatMap(({ record, remote }) => newVersions(record, remote).flatMap(({ sha256 }) => sha256 ?? []))
  if (hashes.length === 0) return
  const outcome = await civitai.versionsByHash(hashes, options)
  if (outcome.kind !== 'found') return
  const told = new Map(outcome.value.map((version) => [version.id, version]))
  for (const version of models.flatMap(({ remote }) => remote)) {
    const document = told.get(version.versionId)
    if (!document) continue
    version.usageControl = document.usageControl ?? version.usageControl
    version.earlyAccessEndsAt ??= document.earlyAccessEndsAt ?? null
  }
}

function newVersions ({ versions }: UpdateRecord, remote: readonly RemoteVersion[]): RemoteVersion[] {
  const known = new Map(versions.map((version) => [version.versionId, version]))
  const owned = versions.filter(({ isInLibrary }) => isInLibrary).map(({ versionId }) => versionId)
  const oldest = owned.length === 0 ? 0 : Math.min(...owned)
  return remote.filter(({ versionId, usageControl }) => {
    const earlier = known.get(versionId)
    return versionId > oldest && usageControl === null && earlier?.isInLibrary !== true && earlier?.usageControl !== 'Download'
  })
}
