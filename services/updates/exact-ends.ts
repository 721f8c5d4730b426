import type { CivitaiClient } from '../civitai/types.ts'
import type { KnownVersion, UpdateRecord } from './types.ts'

/** Versions asked for at most, and how long: someone waits to look at them. */
const MOST = 6
const WITHIN_MS = 4000

/** Fills in when early access ends where only the version's own address says it; what can't be had stays unsaid. */
export async function withExactEnds (civitai: Pick<CivitaiClient, 'version'>, record: UpdateRecord): Promise<UpdateRecord> {
  const open = record.versions.filter(isOpen).slice(0, MOST)
  if (open.length === 0) return record
  const signal = AbortSignal.timeout(WITHIN_MS)
  const ends = new Map(await Promise.all(open.map(async ({ versionId }) => [versionId, await endOf(versionId)] as const)))
  return { ...record, versions: record.versions.map((version) => ({ ...version, earlyAccessEndsAt: ends.get(version.versionId) ?? version.earlyAccessEndsAt })) }

  async function endOf (versionId: number): Promise<string | null> {
    try {
      const outcome = await civitai.version(versionId, { signal, patienceMs: WITHIN_MS })
      return outcome.kind === 'found' ? outcome.value.earlyAccessEndsAt || null : null
    } catch (error) {
      if (!signal.aborted) throw error
      return null
    }
  }
}

function isOpen ({ earlyAccess, earlyAccessEndsAt, isPaid, isInLibrary }: KnownVersion): boolean {
  return earlyAccess && earlyAccessEndsAt === null && !isPaid && !isInLibrary
}
