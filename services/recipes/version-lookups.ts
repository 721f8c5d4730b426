import { LRUCache } from 'lru-cache'
import type { CivitaiVersionDocument } from '../civitai/schema.ts'
import type { Outcome } from '../civitai/types.ts'
import type { CallOptions } from '../network/types.ts'
import type { Providers } from '../providers/types.ts'
import { versionKey, type MissingVersions } from './missing-versions.ts'
import type { VersionLookups } from './resolve-types.ts'

const MOST_KEPT = 4000
const VALID_MS = 10 * 60 * 1000

type Answer = Outcome<CivitaiVersionDocument>

/** What others know of versions, for all imports together: the same few models come again and again. */
export interface RecipeVersions {
  /** Asks as long as the signal allows. */
  lookups (options?: CallOptions): VersionLookups
}

export interface RecipeVersionsDeps {
  providers: Pick<Providers, 'civitai' | 'chain'>
  missing: Pick<MissingVersions, 'note' | 'forget'>
  now?: () => number
}

/**
 * Answers that are certain ("found", "there is none") are kept for ten minutes; an answer that could not be had is asked for again.
 * Versions that CivitAI does not have are looked for in the archives.
 */
export function createRecipeVersions ({ providers: { civitai, chain }, missing, now = Date.now }: RecipeVersionsDeps): RecipeVersions {
  const answers = new LRUCache<string, Answer>({ max: MOST_KEPT, ttl: VALID_MS, perf: { now } })
  const running = new Map<string, Promise<Answer>>()
  const archives = { only: ['civarchive_api', 'sqlite'] as const }

  async function ask (key: string, question: () => Promise<Answer>): Promise<Answer> {
    const answer = await question()
    if (answer.kind === 'found' || answer.kind === 'not-found') answers.set(key, answer)
    if (answer.kind === 'not-found') missing.note(key)
    else if (answer.kind === 'found') missing.forget(key)
    return answer
  }

  /** Whoever waited for a question that another one called off asks it again. */
  async function kept (key: string, options: CallOptions, question: () => Promise<Answer>): Promise<Answer> {
    options.signal?.throwIfAborted()
    const known = answers.get(key)
    if (known) return known
    const others = running.get(key)
    if (others) return await others.catch(async () => await kept(key, options, question))
    const own = ask(key, question).finally(() => { running.delete(key) })
    running.set(key, own)
    return await own
  }

  /** "Not found" is CivitAI's word; an archive that can't be asked does not change it. */
  async function orArchived (own: Answer, archived: () => Promise<Outcome<{ version: CivitaiVersionDocument }>>): Promise<Answer> {
    if (own.kind !== 'not-found') return own
    const other = await archived()
    return other.kind === 'found' ? { kind: 'found', value: other.value.version } : own
  }

  return {
    lookups: (options = {}) => ({
      version: async (versionId) => await kept(versionKey.ofId(versionId), options, async () =>
        await orArchived(await civitai.version(versionId, options), async () => await chain.version({ versionId }, { ...options, ...archives }))),
      versionByHash: async (hash) => await kept(versionKey.ofHash(hash), options, async () =>
        await orArchived(await civitai.versionByHash(hash, options), async () => hash.length === 64 ? await chain.versionByHash(hash, { ...options, ...archives }) : { kind: 'not-found' }))
    })
  }
}
