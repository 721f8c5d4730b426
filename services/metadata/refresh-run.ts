import { once } from 'node:events'
import type { CivitaiClient } from '../civitai/types.ts'
import { describeFailure } from '../journal/errors.ts'
import type { JobContext, JobSystem } from '../jobs/types.ts'
import type { IndexedModel } from '../models/entry.ts'
import { createBulkLookup, type BulkLookup } from './bulk-lookup.ts'
import type { EnsurePreview } from './ensure-preview.ts'
import type { Lookups } from './lookups.ts'
import { failureOf, type ModelSync, type SyncOutcome } from './sync.ts'

/** Everything that is asked for the models of one type. */
export interface Metadata { sync: ModelSync, ensurePreview: EnsurePreview }

export interface RefreshDeps {
  civitai: Pick<CivitaiClient, 'idsByHash' | 'versionsByHash' | 'models'>
  lookups: Lookups
  jobs: Pick<JobSystem, 'finished'>
}

export interface Candidate { metadata: Metadata, path: string, hashed: boolean }

export type StepResult = { name: string, kind: 'updated' } | { name: string, kind: 'skipped' } | { name: string, kind: 'failed', error: string }

/** `rate_limited`, `offline`: given up, since what is left would fare no better. */
export type RefreshEnd = 'completed' | 'cancelled' | 'rate_limited' | 'offline'

export interface RefreshOptions extends Pick<JobContext, 'signal' | 'checkpoint'> {
  route: string
  onStep (step: StepResult): void
}

/** So many in a row are no accident. */
const STRIKES = 3
/** A host that asks for patience is given it, up to this; the door asks again by itself. Longer pauses are for the user to choose. */
const PATIENCE_MS = 2 * 60 * 1000
const PREVIEWS_AT_ONCE = 4
const HASHED_AT_ONCE = 16

/**
 * Asks for models one after the other, in bulk wherever that can be, and merges what comes; files without a hash are hashed on
 * the way. A model that fails stays as it is. Everything that ends early leaves the models behind it untouched.
 */
export async function runRefresh (deps: RefreshDeps, candidates: readonly Candidate[], options: RefreshOptions): Promise<RefreshEnd> {
  const { signal } = options
  const previews = createPreviewLane()
  const hashes = candidates.flatMap((candidate) => {
    const model = modelOf(candidate)
    return candidate.hashed && model && isBulk(model) ? [model.sha256] : []
  })
  const bulk = createBulkLookup(deps.civitai, hashes)
  try {
    const end = await askAll(deps, bulk, previews, candidates, options)
    await previews.drained()
    return signal.aborted ? 'cancelled' : end
  } catch (error) {
    if (!signal.aborted) throw error
    return 'cancelled'
  }
}

async function askAll (deps: RefreshDeps, bulk: BulkLookup, previews: PreviewLane, candidates: readonly Candidate[], options: RefreshOptions): Promise<RefreshEnd> {
  const strikes = { 'rate-limited': 0, offline: 0 }
  /** Refused by a host that wanted patience once too often: asked once more in the end, since it may be well again. */
  const refused: { candidate: Candidate, step: StepResult }[] = []
  for (const [at, candidate, isLate] of inTwoRounds(candidates, refused)) {
    await options.checkpoint()
    if (!candidate.hashed && modelOf(candidate)?.sha256 === '') await hashSome(deps, candidates.slice(at, at + HASHED_AT_ONCE), options.signal)
    const model = modelOf(candidate)
    if (!model) {
      options.onStep({ name: candidate.path, kind: 'skipped' })
      continue
    }
    const outcome = await askOne(deps, bulk, candidate, model, options)
    const step = stepOf(model, outcome)
    if (outcome.kind === 'rate-limited' && !isLate) refused.push({ candidate, step })
    else options.onStep(step)
    for (const kind of ['rate-limited', 'offline'] as const) strikes[kind] = outcome.kind === kind ? strikes[kind] + 1 : 0
    if (strikes['rate-limited'] >= STRIKES || strikes.offline >= STRIKES) {
      for (const { step } of refused) options.onStep(step)
      return strikes.offline >= STRIKES ? 'offline' : 'rate_limited'
    }
    if (outcome.kind === 'updated') await previews.add(async () => { await candidate.metadata.ensurePreview(outcome.model, outcome.version, options) })
  }
  return 'completed'
}

/** All, then those that were refused on the way. */
function * inTwoRounds (candidates: readonly Candidate[], refused: { candidate: Candidate }[]): Generator<[at: number, candidate: Candidate, isLate: boolean]> {
  for (const [at, candidate] of candidates.entries()) yield [at, candidate, false]
  for (let next = refused.shift(); next; next = refused.shift()) yield [candidates.length, next.candidate, true]
}

function modelOf ({ metadata, path }: Candidate): IndexedModel | undefined {
  return metadata.sync.library.index.get(path)
}

/** The others are asked for at providers of their own. */
function isBulk (model: IndexedModel): boolean {
  return !model.civitai_deleted && model.hf_url === '' && model.sha256 !== ''
}

function stepOf (model: IndexedModel, outcome: SyncOutcome): StepResult {
  const name = model.model_name
  return outcome.kind === 'updated' ? { name, kind: 'updated' } : { name, kind: 'failed', error: outcome.message }
}

async function askOne ({ lookups }: RefreshDeps, bulk: BulkLookup, { metadata: { sync } }: Candidate, model: IndexedModel, { signal, route }: RefreshOptions): Promise<SyncOutcome> {
  const label = `${model.file_name} (${model.sha256})`
  const call = { signal, patienceMs: PATIENCE_MS }
  try {
    if (model.sha256 === '') return { kind: 'failed', message: `The hash of ${model.file_name} could not be computed` }
    if (isBulk(model)) {
      const answer = await bulk.answer(model.sha256, call)
      if (answer.kind === 'found') return { kind: 'updated', version: answer.value.version, model: await sync.apply(model, { ...answer.value, source: 'civitai_api' }, { route }) }
      if (answer.kind === 'rate-limited' || (answer.kind === 'unavailable' && answer.offline)) return failureOf(answer, label)
      if (lookups.isKnownMissing(model.sha256)) return { kind: 'not-found', marked: false, message: `Model not found: ${label} was asked for less than a day ago` }
    }
    return await sync.fetch(model, route, call)
  } catch (error) {
    if (signal.aborted) throw error
    return { kind: 'failed', message: `${describeFailure(error).message} (${model.file_name})` }
  }
}

async function hashSome ({ jobs }: RefreshDeps, candidates: readonly Candidate[], signal: AbortSignal): Promise<void> {
  const library = candidates[0]?.metadata.sync.library
  const paths = candidates.filter((candidate) => candidate.metadata.sync.library === library && modelOf(candidate)?.sha256 === '').map(({ path }) => path)
  const job = library?.hashPending(paths)
  if (job) await untilAborted(jobs.finished(job.id), signal)
}

/** The work itself may go on: a hash that is computed is of use in any case. */
async function untilAborted (work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const leave = new AbortController()
  try {
    await Promise.race([work, once(signal, 'abort', { signal: leave.signal }).catch(() => undefined)])
    signal.throwIfAborted()
  } finally {
    leave.abort()
  }
}

interface PreviewLane {
  /** Begins at once, or when one of the others is done. */
  add (work: () => Promise<void>): Promise<void>
  drained (): Promise<void>
}

/** Pictures come from other hosts than metadata; they are fetched beside it. */
function createPreviewLane (): PreviewLane {
  const running = new Set<Promise<void>>()
  let failure: { error: unknown } | null = null
  return {
    async add (work) {
      while (running.size >= PREVIEWS_AT_ONCE) await Promise.race(running)
      if (failure) throw failure.error
      const mine = work().catch((error: unknown) => { failure ??= { error } }).finally(() => { running.delete(mine) })
      running.add(mine)
    },
    async drained () {
      await Promise.all(running)
      if (failure) throw failure.error
    }
  }
}
