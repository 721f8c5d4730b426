import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import { DomainError } from '../errors.ts'
import type { FreeSpace } from '../downloads/free-space.ts'
import { checkFreeSpace } from '../downloads/free-space.ts'
import { describeFailure } from '../journal/errors.ts'
import { errnoOf } from '../journal/disk.ts'
import type { JobContext } from '../jobs/types.ts'
import type { ModelLibrary } from '../models/ports.ts'
import type { ModelTypeName } from '../models/types.ts'
import type { Adoption } from './adoption.ts'
import { ExampleFolderAwayError } from './errors.ts'
import type { FolderMemory } from './folder-memory.ts'
import { createLocalExamples } from './local-examples.ts'
import type { ExamplePlace, ExamplePlaces } from './places.ts'
import { createProcessModel, type ProcessDeps, type Processed, type RunContext } from './process-model.ts'
import { copyRecord, type ProgressFile } from './progress-file.ts'
import type { ModelOutcome, RunTracker } from './run-snapshot.ts'
import { gatherTargets, isComplete, untilAll, type Target } from './targets.ts'

/** What a run was asked for; kept with the job, so that the next process goes on with the same. */
export interface DownloadInput {
  /** Where the images go is decided at the start: switching library or folder meanwhile ends the run. */
  library: string
  root: string
  types: ModelTypeName[]
  /** Lower-case; null for all. */
  hashes: string[] | null
  optimize: boolean
  /** Milliseconds between models that other hosts were asked for. */
  delayMs: number
  retryFailed: boolean
  /** Whatever is known of the models, they are looked at anew. */
  reprocess: boolean
  /** What is there already comes anew; absent in jobs of earlier versions. */
  overwrite?: boolean
}

export interface DownloadReport {
  total: number
  processed: number
  /** Models that have all images that are to be had. */
  successful: number
  errors: string[]
  /** Hashes that no model bears. */
  not_found: string[]
}

export interface RunDeps extends ProcessDeps {
  libraries: readonly ModelLibrary[]
  places: ExamplePlaces
  progressFile: ProgressFile
  freeSpace: FreeSpace
  /** Brings what older versions or another layout left to the folders and names of now. */
  adoption: Pick<Adoption, 'prepare'>
  folderMemory: FolderMemory
}

const SAVE_MODELS = 10
const SAVE_MS = 30_000
/** So many models in a row are no accident. */
const STRIKES = 3
/** Faults of the folder as a whole: the models that are left would fare no better. */
const fatal = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'EIO', 'ESTALE', 'ENOTCONN'])

/**
 * Goes through the models one by one. Ends early where the rest would fare no better; whatever was reached stays.
 * @throws the signal's reason, DomainError, errors of the disk
 */
export async function runDownload (deps: RunDeps, input: DownloadInput, context: JobContext, tracker: RunTracker, gate: () => Promise<void>): Promise<DownloadReport> {
  const { signal } = context
  // During a first scan most models are not known yet.
  await untilAll(deps.libraries, isComplete, signal)
  const place = placeOf(deps.places, input)
  await deps.folderMemory.check(place, { trusting: input.hashes !== null || input.retryFailed })
  const wanted = input.hashes && new Set(input.hashes)
  const targets = await gatherTargets(deps.libraries, new Set(input.types), wanted)
  const known = new Set(targets.map(({ hash }) => hash))
  tracker.counted(targets.length)
  const namingVersion = await deps.adoption.prepare(place, targets, signal)
  const run: RunContext = {
    place,
    optimize: input.optimize,
    retryFailed: input.retryFailed,
    reprocess: input.reprocess,
    overwrite: input.overwrite === true,
    named: wanted !== null,
    record: { ...copyRecord(await deps.progressFile.read(place)), refreshed: new Set(), namingVersion },
    tracker,
    localExamples: createLocalExamples(),
    signal,
    gate
  }
  const save = async (): Promise<void> => { await deps.progressFile.write(place, run.record, { completed: tracker.snapshot().completed, total: targets.length }) }
  try {
    await processAll(deps, targets, run, { context, delayMs: input.delayMs, save })
  } finally {
    // What was reached counts, however it ended; a folder that is away can't be told.
    await save().catch((error: unknown) => { if (!signal.aborted && errnoOf(error) === '') throw error })
    await deps.folderMemory.remember(place)
  }
  const { outcomes, completed, errors } = tracker.details()
  return { total: targets.length, processed: completed, successful: outcomes.complete + outcomes.skipped, errors, not_found: (input.hashes ?? []).filter((hash) => !known.has(hash)) }
}

async function pause (milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch(() => { throw signal.reason })
}

function placeOf (places: ExamplePlaces, { library, root }: DownloadInput): ExamplePlace {
  const place = places.find()
  if (place?.library === library && place.root === root) return place
  throw new DomainError('conflict', 'library-changed', 'Another library or another folder of example images is in use now')
}

interface Pace { context: JobContext, delayMs: number, save (): Promise<void> }

async function processAll (deps: RunDeps, targets: readonly Target[], run: RunContext, { context, delayMs, save }: Pace): Promise<void> {
  const processModel = createProcessModel(deps)
  const strikes = createStrikes()
  let savedAt = performance.now()
  let unsaved = 0
  for (const [at, target] of targets.entries()) {
    await run.gate()
    if (at % 100 === 0) await nextTurn()
    run.tracker.begin(`${target.name} (${target.hash.slice(0, 8)})`)
    const processed = await processOne(target)
    run.tracker.left(processed.outcome)
    context.report({ done: at + 1, total: targets.length, unit: 'models' })
    strikes.count(processed)
    if (processed.remote) unsaved++
    if (unsaved >= SAVE_MODELS || performance.now() - savedAt > SAVE_MS) {
      await save()
      savedAt = performance.now()
      unsaved = 0
    }
    if (processed.remote && delayMs > 0 && at < targets.length - 1) await pause(delayMs, run.signal)
  }

  async function processOne (target: Target): Promise<Processed> {
    try {
      await checkFreeSpace(deps.freeSpace, run.place.root, 0)
      return await processModel(target, run)
    } catch (error) {
      run.signal.throwIfAborted()
      if (isFatal(error)) throw error
      const message = `${target.name}: ${describeFailure(error).message}`
      run.tracker.failure(message)
      context.recordFailure(target.name, message)
      return { outcome: 'incomplete' satisfies ModelOutcome, remote: false }
    }
  }
}

function isFatal (error: unknown): boolean {
  return error instanceof ExampleFolderAwayError || (error instanceof DomainError && error.kind === 'storage-full') || fatal.has(errnoOf(error))
}

/** Gives up when nothing can be had for some models in a row. */
function createStrikes (): { count (processed: Processed): void } {
  const strikes = { offline: 0, 'rate-limited': 0 }
  return {
    count ({ reason, remote }) {
      for (const kind of ['offline', 'rate-limited'] as const) {
        if (reason === kind) strikes[kind]++
        else if (remote) strikes[kind] = 0
      }
      if (strikes.offline >= STRIKES) throw new DomainError('unavailable', 'offline', 'The hosts of example images can\'t be reached: offline. What is missing is fetched by the next run')
      if (strikes['rate-limited'] >= STRIKES) throw new DomainError('unavailable', 'rate-limited', 'Rate limited: the hosts of example images ask for patience. What is missing is fetched by the next run')
    }
  }
}
