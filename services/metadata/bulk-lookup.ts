import { sha256Of } from '../civitai/file-choice.ts'
import { enrichVersion, withoutGraphs } from '../civitai/enrich.ts'
import type { CivitaiModelDocument, CivitaiVersionDocument } from '../civitai/schema.ts'
import type { CivitaiClient, EnrichedVersion, Failure } from '../civitai/types.ts'
import type { CallOptions } from '../network/types.ts'

/** `unknown`: the bulk endpoints don't have it, which alone proves nothing. */
export type BulkAnswer = { kind: 'found', value: EnrichedVersion } | { kind: 'unknown' } | Exclude<Failure, { kind: 'not-found' }>

/** Answers for a list of files, asked for in bulk as they are needed. */
export interface BulkLookup {
  answer (sha256: string, options?: CallOptions): Promise<BulkAnswer>
}

const IDS_A_CALL = 10_000
const RECORDS_A_CALL = 100
/** For fewer it isn't worth a request of its own. */
const IDS_FROM = 150

/**
 * Asks for the files of a list through CivitAI's bulk endpoints: which of them it knows (10,000 a request), their versions
 * (100), and their models (100), which name further versions on the way. What was taken is forgotten, so that memory holds
 * one request's worth of records whatever the length of the list.
 * @param hashes SHA-256, lower-case, in the order in which they will be asked for, each as often as it will be
 */
export function createBulkLookup (civitai: Pick<CivitaiClient, 'idsByHash' | 'versionsByHash' | 'models'>, hashes: readonly string[]): BulkLookup {
  const list = [...new Set(hashes)]
  const place = new Map(list.map((sha256, index) => [sha256, index]))
  /** Undefined: not asked yet. */
  const known: (boolean | undefined)[] = []
  const ready = new Map<string, EnrichedVersion>()
  /** How often each is still to be asked for. */
  const due = new Map<string, number>()
  for (const sha256 of hashes) due.set(sha256, (due.get(sha256) ?? 0) + 1)

  async function learnIds (from: number, options: CallOptions): Promise<Failure | null> {
    const part = list.slice(from, from + IDS_A_CALL)
    if (part.length < IDS_FROM) {
      part.forEach((_sha256, offset) => { known[from + offset] = true })
      return null
    }
    const outcome = await civitai.idsByHash(part, options)
    if (outcome.kind !== 'found') return outcome
    const matched = new Set(outcome.value.map(({ hash }) => hash.toLowerCase()))
    part.forEach((sha256, offset) => { known[from + offset] = matched.has(sha256) })
    return null
  }

  /** The next files that are known and have no record yet. */
  function nextPart (from: number): string[] {
    const part: string[] = []
    for (let at = from; at < list.length && known[at] !== undefined && part.length < RECORDS_A_CALL; at++) {
      const sha256 = list[at]
      if (sha256 !== undefined && known[at] === true && !ready.has(sha256) && due.has(sha256)) part.push(sha256)
    }
    return part
  }

  function keep (version: CivitaiVersionDocument, complete: boolean): void {
    for (const file of version.files ?? []) {
      const sha256 = sha256Of(file)
      if (sha256 !== null && due.has(sha256) && !ready.get(sha256)?.complete) ready.set(sha256, { version, complete })
    }
  }

  /** Other versions of the same models, which the list may ask for too. */
  function keepListed (model: CivitaiModelDocument, asked: ReadonlySet<number>): void {
    for (const listed of model.modelVersions ?? []) {
      if (!asked.has(listed.id)) keep(withoutGraphs(enrichVersion(listed, model)), true)
    }
  }

  async function learnRecords (from: number, options: CallOptions): Promise<Failure | null> {
    const part = nextPart(from)
    const outcome = await civitai.versionsByHash(part, options)
    if (outcome.kind !== 'found') return outcome
    const models = await civitai.models([...new Set(outcome.value.flatMap(({ modelId }) => modelId ?? []))], options)
    if (models.kind === 'rate-limited') return models
    const byId = models.kind === 'found' ? models.value : new Map<number, CivitaiModelDocument>()
    const asked = new Set(outcome.value.map(({ id }) => id))
    for (const version of outcome.value) {
      const model = version.modelId === undefined ? undefined : byId.get(version.modelId)
      keep(model ? enrichVersion(version, model) : version, model !== undefined)
    }
    for (const model of byId.values()) keepListed(model, asked)
    for (const sha256 of part) if (!ready.has(sha256)) known[place.get(sha256) ?? -1] = false
    return null
  }

  function taken (sha256: string): void {
    const left = (due.get(sha256) ?? 1) - 1
    if (left > 0) {
      due.set(sha256, left)
    } else {
      due.delete(sha256)
      ready.delete(sha256)
    }
  }

  return {
    async answer (sha256, options = {}) {
      const at = place.get(sha256)
      if (at === undefined) return { kind: 'unknown' }
      if (known[at] === undefined) {
        const failure = await learnIds(at, options)
        if (failure) return unproven(failure)
      }
      if (known[at] === true && !ready.has(sha256)) {
        const failure = await learnRecords(at, options)
        if (failure) return unproven(failure)
      }
      const value = ready.get(sha256)
      taken(sha256)
      return value ? { kind: 'found', value } : { kind: 'unknown' }
    }
  }
}

/** A 404 of a bulk endpoint speaks of the endpoint, not of models. */
function unproven (failure: Failure): BulkAnswer {
  return failure.kind === 'not-found' ? { kind: 'unknown' } : failure
}
