import { readdir } from 'node:fs/promises'
import { posix } from 'node:path'
import { ConflictError, DomainError } from '../errors.ts'
import { failureOf } from '../journal/errors.ts'
import type { Journal, Step } from '../journal/types.ts'
import { SIDECAR_EXTENSION } from '../models/sidecar-file.ts'
import { companionSteps, isTaken } from './companion-steps.ts'
import type { FetchedPreview } from './fetch-preview.ts'
import { alternativeStems } from './file-name.ts'
import type { DownloadPlan } from './plan.ts'
import type { Transferred } from './transfer.ts'

export interface PlaceDeps {
  journal: Pick<Journal, 'run'>
  /** Milliseconds since 1970. */
  now (): number
}

/** `operation` null: it was there already. `preview`: the one that was fetched is its own now. */
export interface Placed { path: string, sha256: string, operation: string | null, preview: boolean }

/**
 * Gives a complete and checked file its name, with sidecar and preview, all of it or nothing. A name that is taken is never taken over:
 * the next one is tried. The library knows the model when this resolves.
 * @throws DomainError that says what the disk refused; the part is still there then
 */
export async function placeFile (deps: PlaceDeps, plan: DownloadPlan, part: string, done: Transferred, preview: FetchedPreview | null): Promise<Placed> {
  if (plan.replaces !== null) return await replaceFile(deps, plan, plan.replaces, part, done)
  for (const stem of alternativeStems(plan.stem, done.sha256)) {
    const placed = await placeAs(deps, plan, stem, part, done, preview)
    if (placed) return placed
  }
  throw new ConflictError('Every name for the file is taken', 'destination-exists')
}

/** Undefined when the name is taken. */
async function placeAs ({ journal, now }: PlaceDeps, plan: DownloadPlan, stem: string, part: string, done: Transferred, preview: FetchedPreview | null): Promise<Placed | undefined> {
  const { library, directory, extension } = plan
  const path = `${directory}/${stem}${extension}`
  const sidecar = `${directory}/${stem}${SIDECAR_EXTENSION}`
  return await library.exclusively([path, sidecar], async () => {
    const names = await readdir(directory)
    if (isTaken(names, stem, extension)) return undefined
    const companions = await companionSteps(plan, { stem, extension, ...done, modified: now() / 1000 }, names, preview)
    const steps: Step[] = [{ kind: 'move', from: part, to: path, sha256: done.sha256 }, ...companions.steps]
    const { id, units: [unit] } = await journal.run({ kind: 'download', route: 'download', summary: `Downloaded ${stem}${extension}`, units: [{ key: path, label: stem + extension, steps }] })
    if (unit?.error?.code === 'destination-exists' || unit?.error?.code === 'source-changed') return undefined
    const failure = failureOf(unit)
    if (failure) throw failure
    await library.settle({ changed: [path] })
    return { path, sha256: done.sha256, operation: id, preview: companions.preview }
  })
}

/** A sound file takes the place of a damaged one, which goes to the trash; sidecar and preview stay. */
export async function replaceFile ({ journal }: PlaceDeps, { library }: DownloadPlan, path: string, part: string, done: Transferred): Promise<Placed> {
  return await library.exclusively([path], async () => {
    const steps: Step[] = [{ kind: 'trash', path }, { kind: 'move', from: part, to: path, sha256: done.sha256 }]
    const label = posix.basename(path)
    const { id, units: [unit] } = await journal.run({ kind: 'download', route: 'download', summary: `Downloaded ${label} again`, units: [{ key: path, label, steps }] })
    const failure = failureOf(unit)
    if (failure) throw failure
    await library.settle({ changed: [path] })
    return { path, sha256: done.sha256, operation: id, preview: false }
  })
}

/** Puts a file that is not what it should be into the trash of its volume. @throws DomainError */
export async function quarantine (journal: Pick<Journal, 'run'>, part: string, title: string): Promise<string> {
  const { id, units: [unit] } = await journal.run({
    kind: 'quarantine', route: 'download', summary: `Put aside a damaged download of ${title}`, units: [{ key: part, label: posix.basename(part), steps: [{ kind: 'trash', path: part }] }]
  })
  const failure: DomainError | null = failureOf(unit)
  if (failure) throw failure
  return id
}
