import { lstat, readFile, readdir } from 'node:fs/promises'
import { posix } from 'node:path'
import { ConflictError, DomainError } from '../errors.ts'
import { failureOf } from '../journal/errors.ts'
import type { Journal, Step } from '../journal/types.ts'
import { newSidecar } from '../models/default-sidecar.ts'
import type { IndexedModel } from '../models/entry.ts'
import { isWeightFile, stemOf } from '../models/file-set.ts'
import { PREVIEW_EXTENSIONS } from '../models/preview-file.ts'
import { SIDECAR_EXTENSION, inFieldOrder, parseSidecar, serializeSidecar } from '../models/sidecar-file.ts'
import type { FetchedPreview } from './fetch-preview.ts'
import { alternativeStems } from './file-name.ts'
import type { DownloadPlan } from './plan.ts'
import type { Transferred } from './transfer.ts'

export interface PlaceDeps {
  journal: Pick<Journal, 'run'>
  /** Milliseconds since 1970. */
  now (): number
}

export interface Placed { path: string, model: IndexedModel | undefined, operation: string, preview: boolean }

/** What a user made of a model stays when its file comes back. */
const OWN_FIELDS = ['notes', 'favorite', 'exclude', 'usage_tips', 'skip_metadata_refresh', 'preview_nsfw_level']

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
    const standing = presentPreview(names, stem)
    const usesOurs = preview !== null && standing === undefined
    const previewPath = standing !== undefined ? `${directory}/${standing}` : preview === null ? '' : `${directory}/${stem}${preview.extension}`
    const steps: Step[] = [
      { kind: 'move', from: part, to: path, sha256: done.sha256 },
      ...(usesOurs ? [{ kind: 'create', path: previewPath, from: preview.file } as const] : []),
      await sidecarStep(plan, { path, stem, sidecar, size: done.size, sha256: done.sha256, modified: now() / 1000, preview: previewPath, level: usesOurs ? preview.nsfwLevel : 0 })
    ]
    const { id, units: [unit] } = await journal.run({ kind: 'download', route: 'download', summary: `Downloaded ${stem}${extension}`, units: [{ key: path, label: stem + extension, steps }] })
    if (unit?.error?.code === 'destination-exists' || unit?.error?.code === 'source-changed') return undefined
    const failure = failureOf(unit)
    if (failure) throw failure
    const [model] = await library.settle({ changed: [path] })
    return { path, model, operation: id, preview: usesOurs }
  })
}

/** A sound file takes the place of a damaged one, which goes to the trash; sidecar and preview stay. */
async function replaceFile ({ journal }: PlaceDeps, { library }: DownloadPlan, path: string, part: string, done: Transferred): Promise<Placed> {
  return await library.exclusively([path], async () => {
    const steps: Step[] = [{ kind: 'trash', path }, { kind: 'move', from: part, to: path, sha256: done.sha256 }]
    const label = posix.basename(path)
    const { id, units: [unit] } = await journal.run({ kind: 'download', route: 'download', summary: `Downloaded ${label} again`, units: [{ key: path, label, steps }] })
    const failure = failureOf(unit)
    if (failure) throw failure
    const [model] = await library.settle({ changed: [path] })
    return { path, model, operation: id, preview: false }
  })
}

/** By any spelling, for disks that tell no cases apart. A weight file with the same stem owns the companions. */
function isTaken (names: readonly string[], stem: string, extension: string): boolean {
  const wanted = `${stem}${extension}`.toLowerCase()
  return names.some((name) => name.toLowerCase() === wanted || (isWeightFile(name) && stemOf(name).toLowerCase() === stem.toLowerCase()))
}

function presentPreview (names: readonly string[], stem: string): string | undefined {
  return names.find((name) => name.startsWith(`${stem}.`) && PREVIEW_EXTENSIONS.includes(name.slice(stem.length).toLowerCase()))
}

interface NewSidecar { path: string, stem: string, sidecar: string, size: number, sha256: string, modified: number, preview: string, level: number }

async function sidecarStep ({ library, fields }: DownloadPlan, { path, stem, sidecar, size, sha256, modified, preview, level }: NewSidecar): Promise<Step> {
  const { root } = library.contain(path)
  const { type } = library
  const document = newSidecar({
    type: type.name,
    path,
    stem,
    size,
    modified,
    fromCivitai: true,
    preview,
    subType: type.name === 'lora' ? null : root.subType ?? type.defaultSubType
  }, { ...fields, sha256, preview_nsfw_level: level, hash_status: 'completed' })
  const found = await lstat(sidecar).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (found === null) return { kind: 'write', path: sidecar, data: serializeSidecar(document), expected: 'absent' }
  return await withOldSidecar(sidecar, document, { size: found.size, mtimeMs: found.mtimeMs })
}

/** A sidecar whose model had gone: what the user wrote there is kept, and what nobody knows. */
async function withOldSidecar (sidecar: string, document: Record<string, unknown>, expected: { size: number, mtimeMs: number }): Promise<Step> {
  const present = await readFile(sidecar)
  const parsed = parseSidecar(present)
  // One that can't be read is another's business: the model gets another name.
  if ('error' in parsed) return { kind: 'write', path: sidecar, data: serializeSidecar(document), expected: 'absent' }
  const old = parsed.document
  const own = Object.fromEntries(OWN_FIELDS.filter((name) => Object.hasOwn(old, name)).map((name) => [name, old[name]]))
  const unknown = Object.fromEntries(Object.entries(old).filter(([name]) => !Object.hasOwn(document, name)))
  return { kind: 'write', path: sidecar, data: serializeSidecar(inFieldOrder({ ...unknown, ...document, ...own }), present), expected }
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
