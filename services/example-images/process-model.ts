import { unlink } from 'node:fs/promises'
import type { EditSidecar } from '../models/edit-sidecar.ts'
import type { ModelLibrary } from '../models/ports.ts'
import type { ModelTypeName } from '../models/types.ts'
import type { ModelSync } from '../metadata/sync.ts'
import { DAY_MS, type AbsenceKind, type Absences } from './absences.ts'
import type { FetchImage, ImageOutcome } from './fetch-image.ts'
import { createFetchMissing, type Harvest } from './fetch-missing.ts'
import { findFolder, namesIn } from './folder-files.ts'
import type { LocalExamples } from './local-examples.ts'
import type { MakeRoom } from './make-room.ts'
import { positionOf } from './media-names.ts'
import { hashFolder, type ExamplePlace } from './places.ts'
import { isLeftOver, type FailureNote, type ProgressRecord } from './progress-file.ts'
import type { Realign } from './realign.ts'
import type { ModelOutcome, RunTracker } from './run-snapshot.ts'
import type { ShrinkSaved } from './shrink-saved.ts'
import { clearMarks, hasMarks, markMissing, regularImages, wantedUrl } from './sidecar-images.ts'
import type { TakeLocalExamples } from './take-local-examples.ts'
import type { Target } from './targets.ts'

export interface ProcessDeps {
  libraryOf: (type: ModelTypeName) => ModelLibrary
  syncOf: (type: ModelTypeName) => Pick<ModelSync, 'fetch'>
  editorOf: (type: ModelTypeName) => EditSidecar
  fetchImage: FetchImage
  takeLocalExamples: TakeLocalExamples
  realign: Realign
  shrinkSaved: ShrinkSaved
  makeRoom: MakeRoom
  absences: Absences
  now: () => number
  /** When this process began: temporary files from before are nobody's. */
  startedAt: number
}

/** What one run is about. */
export interface RunContext {
  place: ExamplePlace
  optimize: boolean
  /** Models that failed before are tried again. */
  retryFailed: boolean
  /** Whatever is known of the model, it is looked at; marks are cleared first. */
  reprocess: boolean
  /** Also what is there is fetched; the file of before goes to the bin when the new one is whole. */
  overwrite: boolean
  /** Named one by one: looked at as well, marks stay. */
  named: boolean
  record: ProgressRecord
  tracker: RunTracker
  localExamples: LocalExamples
  signal: AbortSignal
  /** Resolves when the run may go on; between images too. */
  gate (): Promise<void>
}

export interface Processed {
  outcome: ModelOutcome
  /** Another host was asked. */
  remote: boolean
  /** Why it is not complete, for the strikes of the run. */
  reason?: 'offline' | 'rate-limited'
}

/** A model that takes so long is left to the next run. */
const WATCHDOG_MS = 15 * 60 * 1000
/** Outcomes that say something of the image itself. */
const absenceKinds = new Map<ImageOutcome['kind'] | undefined, AbsenceKind>([['not-found', 'not_found'], ['forbidden', 'forbidden'], ['unsupported', 'unsupported']])
const SKIPPED: Processed = { outcome: 'skipped', remote: false }

/** Brings what is missing of one model's images. @throws the signal's reason, and faults of the folder as a whole */
export function createProcessModel (deps: ProcessDeps): (target: Target, run: RunContext) => Promise<Processed> {
  const { absences } = deps
  const fetchMissing = createFetchMissing(deps)

  return async (target, run) => {
    const { hash } = target
    const { record, tracker } = run
    if (!run.retryFailed && !run.named && !run.reprocess && isHopeless(record.failed.get(hash), versionOf(target))) return SKIPPED
    const found = await findFolder(run.place, hash)
    const names = await withoutLeftOvers(found?.path ?? '', found?.names ?? [])
    if (!run.named && !run.reprocess && record.processed.has(hash)) {
      if (names.length > 0) return SKIPPED
      record.processed.delete(hash)
      tracker.note('reprocessed_models', hash)
    }
    if (run.reprocess) await forgetMarks(target)
    const path = bestPath(target)
    const folder = found?.path ?? hashFolder(run.place, hash)
    if (await deps.takeLocalExamples({ target, path, folder, place: run.place, names, examples: run.localExamples }) === 'all') return settle(target, run, { outcome: 'complete', remote: false })
    return await fetchAll(target, path, folder, names, run)
  }

  /** Permanent for now; what other programs failed at is theirs to try again, unless someone asks. */
  function isHopeless (note: FailureNote | null | undefined, version: number | undefined): boolean {
    return note === null || (note !== undefined && note.version === version && deps.now() - note.at < DAY_MS && deps.now() >= note.at)
  }

  function versionOf ({ type, paths }: Target): number | undefined {
    return deps.libraryOf(type).index.get(paths[0] ?? '')?.civitai?.id
  }

  async function withoutLeftOvers (folder: string, names: readonly string[]): Promise<string[]> {
    const kept: string[] = []
    for (const name of names) {
      if (await isLeftOver(`${folder}/${name}`, name, deps.startedAt)) await unlink(`${folder}/${name}`)
      else kept.push(name)
    }
    return kept
  }

  /** Of several files with the same hash the one whose sidecar knows images. */
  function bestPath ({ type, paths }: Target): string {
    const library = deps.libraryOf(type)
    return paths.find((path) => regularImages(library.sidecar(path)).length > 0) ?? paths[0] ?? ''
  }

  async function forgetMarks ({ hash, type, paths, name }: Target): Promise<void> {
    absences.forget(hash)
    for (const path of paths) {
      if (!hasMarks(deps.libraryOf(type).sidecar(path))) continue
      await deps.editorOf(type)({ path, kind: 'edit', route: 'force-download-example-images', summary: `Try the example images of ${name} again`, change: clearMarks })
    }
  }

  async function fetchAll (target: Target, path: string, folder: string, names: readonly string[], run: RunContext): Promise<Processed> {
    const imagesNow = (): unknown[] => regularImages(deps.libraryOf(target.type).sidecar(path))
    if (imagesNow().length === 0) return settle(target, run, { outcome: 'no_images', remote: false })
    const aligned = async (present: readonly string[]): Promise<Set<number>> => {
      const now = await deps.realign({ place: run.place, hash: target.hash, name: target.name, folder, names: present, images: imagesNow() })
      return new Set(now.flatMap((name) => positionOf(name) ?? []))
    }
    let present = await aligned(names)
    const limited = AbortSignal.any([run.signal, AbortSignal.timeout(WATCHDOG_MS)])
    const harvest: Harvest = { outcomes: new Map(), asked: 0 }
    try {
      await fetchMissing(imagesNow(), { target, folder, present, harvest, signal: limited }, run)
      if (foundMissing(harvest) && await refreshed(target, path, run)) {
        present = await aligned(await namesIn(folder) ?? [])
        await fetchMissing(imagesNow(), { target, folder, present, harvest, signal: limited }, run)
      }
    } catch (error) {
      run.signal.throwIfAborted()
      if (!limited.aborted) throw error
      return settle(target, run, { outcome: 'incomplete', remote: true }, 'it took longer than a quarter of an hour')
    } finally {
      run.tracker.waiting(null)
    }
    return await judge(target, path, imagesNow(), present, harvest, run)
  }

  /** An address that is gone may have another one by now; asked once in a run for each model. */
  async function refreshed ({ hash, type }: Target, path: string, { record, tracker, signal }: RunContext): Promise<boolean> {
    const model = deps.libraryOf(type).index.get(path)
    if (!model || model.civitai_deleted || record.refreshed.has(hash)) return false
    record.refreshed.add(hash)
    tracker.note('refreshed_models', hash)
    const outcome = await deps.syncOf(type).fetch(model, 'download-example-images', { signal })
    return outcome.kind === 'updated'
  }

  async function judge (target: Target, path: string, images: readonly unknown[], present: ReadonlySet<number>, harvest: Harvest, run: RunContext): Promise<Processed> {
    const remote = harvest.asked > 0
    const lacking = images.flatMap((image, position) => {
      const url = wantedUrl(image)
      return url === undefined || present.has(position) ? [] : [url]
    })
    // A new one that did not come counts, though the one of before is still there.
    const looked = run.overwrite ? images.flatMap((image) => wantedUrl(image) ?? []) : lacking
    const marked = await noteAbsences(target, path, lacking, harvest)
    const of = (kind: ImageOutcome['kind']): ImageOutcome | undefined => looked.map((url) => marked.has(url) ? undefined : harvest.outcomes.get(url)).find((outcome) => outcome?.kind === kind)
    const passing = of('rate-limited') ?? of('offline') ?? of('failed') ?? of('forbidden')
    if (passing?.kind === 'rate-limited') return settle(target, run, { outcome: 'rate_limited', remote, reason: 'rate-limited' }, passing.message)
    if (passing?.kind === 'offline') return settle(target, run, { outcome: 'incomplete', remote, reason: 'offline' }, passing.message)
    if (passing?.kind === 'failed' || passing?.kind === 'forbidden') return settle(target, run, { outcome: 'incomplete', remote }, passing.message)
    const known = absences.of(target.hash)
    if (lacking.some((url) => known.get(url)?.kind === 'not_found')) return settle(target, run, { outcome: 'not_found', remote })
    return settle(target, run, { outcome: remote ? 'complete' : 'skipped', remote })
  }

  /** Counted at once; the sidecar says so when the host said it twice, a day apart. Answers what is marked now. */
  async function noteAbsences ({ hash, type, name }: Target, path: string, lacking: readonly string[], { outcomes }: Harvest): Promise<ReadonlyMap<string, AbsenceKind>> {
    const confirmed = new Map<string, AbsenceKind>()
    for (const url of lacking) {
      const kind = absenceKinds.get(outcomes.get(url)?.kind)
      if (kind !== undefined && absences.note(hash, url, kind)) confirmed.set(url, kind)
    }
    if (confirmed.size === 0) return confirmed
    await deps.editorOf(type)({
      path,
      kind: 'sync',
      route: 'download-example-images',
      summary: `Example images of ${name} that are gone`,
      source: 'civitai',
      change (document) { markMissing(document, confirmed) }
    })
    for (const url of confirmed.keys()) absences.forget(hash, url)
    return confirmed
  }

  function settle (target: Target, { record, tracker }: RunContext, processed: Processed, problem?: string): Processed {
    const { outcome } = processed
    const { hash, name } = target
    const version = versionOf(target)
    const isNew = !record.processed.has(hash)
    if (outcome !== 'rate_limited') record.rateLimited.delete(hash)
    if (outcome === 'complete' || outcome === 'skipped') {
      record.processed.add(hash)
      record.failed.delete(hash)
      if (isNew || outcome === 'complete') tracker.note('processed_models', hash)
    } else if (outcome === 'not_found' || outcome === 'no_images') {
      record.processed.delete(hash)
      record.failed.set(hash, { reason: outcome, at: deps.now(), ...(version !== undefined && { version }) })
      tracker.note('failed_models', hash)
    } else {
      record.processed.delete(hash)
      record.failed.delete(hash)
      if (outcome === 'rate_limited') {
        record.rateLimited.add(hash)
        tracker.note('rate_limited_models', hash)
      }
    }
    if (problem !== undefined) tracker.failure(`${name}: ${problem}`)
    return processed
  }
}

function foundMissing ({ outcomes }: Harvest): boolean {
  return [...outcomes.values()].some(({ kind }) => kind === 'not-found')
}
