import { createGrowingCache } from '../growing-cache.ts'
import { fileWithHash, defaultFile, sha256Of } from '../civitai/file-choice.ts'
import type { CivitaiFileDocument, CivitaiVersionDocument } from '../civitai/schema.ts'
import type { CivitaiClient, Outcome } from '../civitai/types.ts'
import type { CallOptions } from '../network/types.ts'
import type { MissingPart } from './collect-missing.ts'
import type { VersionLookups } from './resolve-types.ts'
import type { RecipeVersions } from './version-lookups.ts'

/** Where a missing model can be had. */
export type PartOffer =
  | { state: 'available', source: 'civitai' | 'civarchive' | 'archive', versionId: number, modelId: number | null, name: string, versionName: string, baseModel: string, fileName: string, fileId: number | null, size: number | null, earlyAccessUntil: string | null }
  /** Nobody has it. */
  | { state: 'gone' }
  /** It could not be asked for now, or its turn has not come. */
  | { state: 'unknown', reason: 'pending' | 'offline' | 'rate-limited' | 'failed' }
  /** Nothing of it is known that could be asked for. */
  | { state: 'unidentified' }

export interface PartOffers {
  /** By the keys of the parts. Never asks more than the bounds; what is left is `unknown` and had by asking again. */
  of (parts: readonly MissingPart[], options?: CallOptions): Promise<Map<string, PartOffer>>
}

export interface PartOffersDeps {
  civitai: Pick<CivitaiClient, 'versionsByHash'>
  versions: RecipeVersions
  now?: () => number
}

const HOUR_MS = 60 * 60 * 1000
const FOUND_MS = 24 * HOUR_MS
/** Per call: hashes asked for a hundred at a time, and questions that only one model is asked by. */
const MOST_HASHES = 2000
const MOST_QUESTIONS = 60
const LANES = 4

/** Answers are kept: a day for what is there, an hour for what is gone. Nothing is kept of questions that could not be answered. */
export function createPartOffers ({ civitai, versions, now = Date.now }: PartOffersDeps): PartOffers {
  const kept = createGrowingCache<PartOffer>(20_000, { ttl: FOUND_MS, perf: { now } })

  function keep (part: MissingPart, offer: PartOffer): PartOffer {
    if (offer.state === 'available' || offer.state === 'gone') kept.set(part.key, offer, { ttl: offer.state === 'gone' ? HOUR_MS : FOUND_MS })
    return offer
  }

  /** Fills in what the bulk endpoint knows; answers why it could not be asked, or null. */
  async function askInBulk (parts: readonly MissingPart[], offers: Map<string, PartOffer>, options: CallOptions): Promise<PartOffer | null> {
    const wanted = parts.filter(({ hash }) => hash.length === 64).slice(0, MOST_HASHES)
    if (wanted.length === 0) return null
    const outcome = await untilAborted(options, async () => await civitai.versionsByHash(wanted.map(({ hash }) => hash), options))
    if (outcome === null) return pending
    if (outcome.kind !== 'found') return outcome.kind === 'not-found' ? null : unknown(outcome)
    const byHash = new Map(outcome.value.flatMap((version) => (version.files ?? []).map((file) => [sha256Of(file) ?? '', version] as const)))
    for (const part of wanted) {
      const version = byHash.get(part.hash)
      if (version) offers.set(part.key, keep(part, offerOf(version, part)))
    }
    return null
  }

  async function askOne (part: MissingPart, lookups: VersionLookups): Promise<PartOffer> {
    const outcome = part.hash === '' ? await lookups.version(part.versionId) : await lookups.versionByHash(part.hash)
    if (outcome.kind === 'not-found' && part.hash !== '' && part.versionId > 0) return await askOne({ ...part, hash: '' }, lookups)
    if (outcome.kind === 'found') return offerOf(outcome.value, part)
    return outcome.kind === 'not-found' ? { state: 'gone' } : unknown(outcome)
  }

  /** A few at a time, until one can't be answered: then the others would not be either. */
  async function askSingly (parts: readonly MissingPart[], offers: Map<string, PartOffer>, options: CallOptions): Promise<void> {
    const lookups = versions.lookups(options)
    const turns = parts.slice(0, MOST_QUESTIONS).values()
    let failed: PartOffer | null = null
    async function lane (): Promise<void> {
      for (const part of turns) {
        const offer = failed ?? keep(part, await untilAborted(options, async () => await askOne(part, lookups)) ?? pending)
        if (offer.state === 'unknown') failed = offer
        offers.set(part.key, offer)
      }
    }
    await Promise.all(Array.from({ length: LANES }, lane))
  }

  return {
    async of (parts, options = {}) {
      const offers = new Map<string, PartOffer>()
      const open: MissingPart[] = []
      for (const part of parts) {
        const offer: PartOffer | undefined = part.hash === '' && part.versionId === 0 ? { state: 'unidentified' } : kept.get(part.key)
        if (offer) offers.set(part.key, offer)
        else open.push(part)
      }
      const failure = await askInBulk(open, offers, options)
      const left = open.filter(({ key }) => !offers.has(key))
      if (!failure) await askSingly(left, offers, options)
      for (const { key } of left) if (!offers.has(key)) offers.set(key, failure ?? pending)
      return offers
    }
  }
}

const pending: PartOffer = { state: 'unknown', reason: 'pending' }

/** Null when the time was over before there was an answer. */
async function untilAborted<T> ({ signal }: CallOptions, ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask()
  } catch (error) {
    if (signal?.aborted) return null
    throw error
  }
}

function unknown (outcome: Exclude<Outcome<unknown>, { kind: 'found' | 'not-found' }>): PartOffer {
  if (outcome.kind === 'rate-limited') return { state: 'unknown', reason: 'rate-limited' }
  return { state: 'unknown', reason: outcome.kind === 'unavailable' && outcome.offline ? 'offline' : 'failed' }
}

function offerOf (version: CivitaiVersionDocument, part: MissingPart): PartOffer {
  const files = version.files ?? []
  const file: CivitaiFileDocument | null = fileWithHash(files, part.hash) ?? defaultFile(files)
  return {
    state: 'available',
    source: version.source === 'civarchive' ? 'civarchive' : version.source === undefined ? 'civitai' : 'archive',
    versionId: version.id,
    modelId: version.modelId ?? null,
    name: version.model?.name ?? part.name,
    versionName: version.name ?? part.versionName,
    baseModel: version.baseModel ?? part.baseModel,
    fileName: file?.name ?? '',
    fileId: file?.id ?? null,
    size: typeof file?.sizeKB === 'number' ? Math.round(file.sizeKB * 1024) : null,
    earlyAccessUntil: version.earlyAccessEndsAt ?? null
  }
}
