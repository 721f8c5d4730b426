import type { CivitaiVersionDocument } from '../civitai/schema.ts'
import type { Failure, Outcome } from '../civitai/types.ts'
import type { VersionLookups } from './resolve-types.ts'

/** What names a version: an id, or where there is none a hash. */
export interface VersionReference { versionId: number, hash: string }

/** Asks once for each id and hash of an image, and no more once nobody answers. */
export interface VersionAsker {
  /** Undefined when nothing names a version. */
  ask (reference: VersionReference): Promise<Outcome<CivitaiVersionDocument>> | undefined
}

export function createVersionAsker (versions: VersionLookups): VersionAsker {
  const asked = new Map<string, Promise<Outcome<CivitaiVersionDocument>>>()
  let silent: Failure | undefined

  async function once (question: () => Promise<Outcome<CivitaiVersionDocument>>): Promise<Outcome<CivitaiVersionDocument>> {
    if (silent) return silent
    const answer = await question()
    if (answer.kind === 'rate-limited' || (answer.kind === 'unavailable' && answer.offline)) silent = answer
    return answer
  }

  return {
    ask ({ versionId, hash }) {
      const key = versionId > 0 ? `v${versionId}` : hash === '' ? '' : `h${hash}`
      if (key === '') return undefined
      const known = asked.get(key) ?? once(async () => versionId > 0 ? await versions.version(versionId) : await versions.versionByHash(hash))
      asked.set(key, known)
      return known
    }
  }
}
