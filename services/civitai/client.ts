import { LRUCache } from 'lru-cache'
import type { CallOptions } from '../network/types.ts'
import { createApi, mapped, member, shaped, shapedItems, shapedList, type ApiCall, type ApiDeps } from './api.ts'
import { dropGraph, withoutGraphs } from './enrich.ts'
import { createEnrichedVersions } from './enriched-versions.ts'
import { CivitaiHashMatch, CivitaiImage, CivitaiModel, CivitaiVersion, type CivitaiModelDocument } from './schema.ts'
import type { CivitaiClient, EnrichedVersion, Outcome } from './types.ts'

const MOST_MODELS = 100
const MOST_FULL_HASHES = 100
const MOST_HASHES = 10_000
const VALID_MS = 10 * 60 * 1000
const MOST_KEPT = 500
const HASH = /^[0-9a-f]{8,64}$/i

export interface CivitaiClientDeps extends ApiDeps {
  /** Whether a key is set; the door adds it. */
  hasKey: () => boolean
  now?: () => number
}

export function createCivitaiClient ({ door, bases, hasKey, now = Date.now }: CivitaiClientDeps): CivitaiClient {
  const api = createApi({ door, bases })
  const versions = new LRUCache<string, EnrichedVersion>({ max: MOST_KEPT, ttl: VALID_MS, perf: { now } })
  const counts = new LRUCache<string, { count: number | null }>({ max: MOST_KEPT, ttl: VALID_MS, perf: { now } })

  const known: Pick<CivitaiClient, 'model' | 'version' | 'versionByHash'> = {
    model: async (id, options) => isId(id) ? shaped(await api({ path: `/models/${id}` }, options), CivitaiModel) : notFound,
    version: async (id, options) => isId(id) ? mapped(shaped(await api({ path: `/model-versions/${id}` }, options), CivitaiVersion), withoutGraphs) : notFound,
    versionByHash: async (hash, options) => HASH.test(hash) ? mapped(shaped(await api({ path: `/model-versions/by-hash/${hash}` }, options), CivitaiVersion), withoutGraphs) : notFound
  }
  const enriched = createEnrichedVersions(known)

  /** Answers are copies: takers change what they are given. */
  async function kept (key: string, ask: () => Promise<Outcome<EnrichedVersion>>): Promise<Outcome<EnrichedVersion>> {
    const earlier = versions.get(key)
    if (earlier) return { kind: 'found', value: structuredClone(earlier) }
    const outcome = await ask()
    if (outcome.kind === 'found' && outcome.value.complete) versions.set(key, structuredClone(outcome.value))
    return outcome
  }

  /** Asks for parts of a list one after the other; the first failure is the whole one, since a gap would look like "not known". */
  async function inParts<T> (all: readonly (string | number)[], size: number, options: CallOptions | undefined, ask: (part: (string | number)[]) => { call: ApiCall, read: (outcome: Outcome<unknown>) => Outcome<T[]> }): Promise<Outcome<T[]>> {
    const found: T[] = []
    const list = [...new Set(all)]
    for (let start = 0; start < list.length; start += size) {
      const { call, read } = ask(list.slice(start, start + size))
      const outcome = read(await api(call, options))
      if (outcome.kind === 'not-found') continue
      if (outcome.kind !== 'found') return outcome
      for (const item of outcome.value) found.push(item)
    }
    return { kind: 'found', value: found }
  }

  return {
    ...known,
    authorized: hasKey,
    async models (ids, options) {
      const outcome = await inParts(ids.filter(isId), MOST_MODELS, options, (part) => ({
        call: { path: '/models', query: { ids: part.join(','), nsfw: 'true' } },
        read: (answer) => shapedItems(answer, CivitaiModel)
      }))
      return mapped(outcome, (models) => new Map(models.map((model) => [model.id, model])))
    },
    async versionsByHash (hashes, options) {
      const outcome = await inParts(sha256s(hashes), MOST_FULL_HASHES, options, (part) => ({
        call: { path: '/model-versions/by-hash', body: part },
        read: (answer) => shapedList(answer, CivitaiVersion)
      }))
      return mapped(outcome, (list) => list.map(withoutGraphs))
    },
    idsByHash: async (hashes, options) => await inParts(sha256s(hashes), MOST_HASHES, options, (part) => ({
      call: { path: '/model-versions/by-hash/ids', body: part },
      read: (answer) => mapped(shapedList(answer, CivitaiHashMatch), (matches) => matches.map((match) => ({ ...match, hash: match.hash.toUpperCase() })))
    })),
    enrichedByHash: async (hash, options) => await kept(`hash ${hash.toLowerCase()}`, async () => await enriched.enrichedByHash(hash, options)),
    enriched: async (choice, options) => await kept(`version ${choice.modelId ?? ''} ${choice.versionId ?? ''}`, async () => await enriched.enriched(choice, options)),
    async image (id, options) {
      if (!isId(id)) return notFound
      const outcome = shapedItems(await api({ path: '/images', query: { imageId: id, nsfw: 'X', withMeta: 'true' } }, options), CivitaiImage)
      if (outcome.kind !== 'found') return outcome
      const image = outcome.value.find((item) => item.id === id)
      return image ? { kind: 'found', value: dropGraph(image) } : notFound
    },
    async images ({ limit = 100, ...query }, options) {
      const answer = await api({ path: '/images', query: { ...query, limit, nsfw: 'X', withMeta: 'true' } }, options)
      return mapped(shapedItems(answer, CivitaiImage), (items) => ({ items: items.map(dropGraph), nextCursor: cursorOf(answer) }))
    },
    async tags (query, options) {
      return mapped(await api({ path: '/tags', query: { query, limit: 200 } }, options), (value) => texts(member(value, 'items'), 'name'))
    },
    async userModels (username, cursor, options) {
      const answer = await api({ path: '/models', query: { username, nsfw: 'true', limit: 100, sort: 'Newest', period: 'AllTime', cursor } }, options)
      return mapped(shapedItems(answer, CivitaiModel), (items: CivitaiModelDocument[]) => ({ items, nextCursor: cursorOf(answer) }))
    },
    async creatorModelCount (username, options) {
      const key = username.toLowerCase()
      const earlier = counts.get(key)
      if (earlier) return earlier.count
      const outcome = await api({ path: '/creators', query: { query: username, limit: 10 } }, options)
      const count = outcome.kind === 'found' ? countOf(member(outcome.value, 'items'), key) : null
      counts.set(key, { count })
      return count
    },
    async enums (options) {
      return mapped(await api({ path: '/enums', anonymous: true }, options), (value) => ({
        activeBaseModels: texts(member(value, 'ActiveBaseModel')), baseModels: texts(member(value, 'BaseModel')), modelTypes: texts(member(value, 'ModelType'))
      }))
    },
    async probeKey (options) {
      if (!hasKey()) return { kind: 'unauthorized' }
      return mapped(await api({ path: '/models', query: { limit: 1 } }, options), () => true as const)
    }
  }
}

const notFound = { kind: 'not-found' } as const
const isId = (id: number): boolean => Number.isSafeInteger(id) && id > 0
const sha256s = (hashes: readonly string[]): string[] => hashes.filter((hash) => /^[0-9a-f]{64}$/i.test(hash)).map((hash) => hash.toUpperCase())

function cursorOf (answer: Outcome<unknown>): string | null {
  const cursor = answer.kind === 'found' ? member(member(answer.value, 'metadata'), 'nextCursor') : null
  return (typeof cursor === 'string' && cursor !== '') || typeof cursor === 'number' ? String(cursor).slice(0, 1000) : null
}

/** Texts of a list, or of one member of its items; odd and over-long ones are left out. */
function texts (list: unknown, key?: string): string[] {
  if (!Array.isArray(list)) return []
  const found = list.map((item: unknown) => key === undefined ? item : member(item, key))
  return [...new Set(found.filter((text): text is string => typeof text === 'string' && text !== '' && text.length <= 200))].slice(0, 5000)
}

function countOf (list: unknown, username: string): number | null {
  if (!Array.isArray(list)) return null
  const creator: unknown = list.find((item: unknown) => String(member(item, 'username')).toLowerCase() === username)
  const count = member(creator, 'modelCount')
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : null
}
