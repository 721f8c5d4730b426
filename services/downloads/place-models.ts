import { constants } from 'node:fs'
import { copyFile, lstat, readdir, rm } from 'node:fs/promises'
import { posix } from 'node:path'
import { ConflictError, DomainError } from '../errors.ts'
import { ownTempPath } from '../files/atomic-write.ts'
import { failureOf } from '../journal/errors.ts'
import type { Step } from '../journal/types.ts'
import { SIDECAR_EXTENSION } from '../models/sidecar-file.ts'
import { companionSteps, isTaken } from './companion-steps.ts'
import type { FetchedPreview } from './fetch-preview.ts'
import { numberedStems } from './file-name.ts'
import { replaceFile, type PlaceDeps, type Placed } from './place-file.ts'
import type { DownloadPlan } from './plan.ts'
import type { UnpackedModel } from './unpack-models.ts'

type NamedModel = UnpackedModel & { path: string }

/** Names may be taken while they are chosen; nobody is so quick all the time. */
const TRIES = 5

/**
 * Gives the models of an archive their names, each with a sidecar and a copy of the preview, all of them or none. A name that is taken
 * is never taken over. A model that lies in the folder already is not laid there again. The library knows them when this resolves.
 * @throws DomainError that says what the disk refused; what was unpacked may be gone then, the archive is not
 */
export async function placeModels (deps: PlaceDeps, plan: DownloadPlan, models: readonly UnpackedModel[], preview: FetchedPreview | null): Promise<Placed[]> {
  if (plan.replaces !== null) return [await replaceFromArchive(deps, plan, plan.replaces, models)]
  const { present, missing } = await sorted(plan, models)
  if (missing.length === 0) return present
  for (let tries = 0; tries < TRIES; tries++) {
    const placed = await placeAll(deps, plan, namesFor(plan, missing, await readdir(plan.directory)), preview)
    if (placed) return [...placed, ...present]
  }
  throw new ConflictError('The names for the files are being taken by another program', 'destination-exists')
}

/** The one of them that the damaged file was, by its hash. */
async function replaceFromArchive (deps: PlaceDeps, plan: DownloadPlan, path: string, models: readonly UnpackedModel[]): Promise<Placed> {
  const known = plan.library.index.get(path)?.sha256
  const same = models.find(({ sha256 }) => sha256 === known)
  if (!same) throw new DomainError('failed', 'file-not-found', 'The archive does not hold the damaged file')
  return await replaceFile(deps, plan, path, same.file, same)
}

/** Each content once, and apart what the folder holds of it. */
async function sorted ({ library, directory }: DownloadPlan, models: readonly UnpackedModel[]): Promise<{ present: Placed[], missing: UnpackedModel[] }> {
  const present: Placed[] = []
  const missing: UnpackedModel[] = []
  for (const model of models) {
    const { sha256 } = model
    if ([...present, ...missing].some((one) => one.sha256 === sha256)) continue
    const same = library.index.byHash(sha256).find(({ file_path: path }) => posix.dirname(path) === directory)
    if (same && await isFile(same.file_path)) present.push({ path: same.file_path, sha256, operation: null, preview: false })
    else missing.push(model)
  }
  return { present, missing }
}

async function isFile (path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isFile()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

function namesFor ({ directory }: DownloadPlan, models: readonly UnpackedModel[], names: readonly string[]): NamedModel[] {
  const taken = [...names]
  return models.map((model) => {
    for (const stem of numberedStems(model.stem)) {
      if (isTaken(taken, stem, model.extension)) continue
      taken.push(stem + model.extension)
      return { ...model, stem, path: `${directory}/${stem}${model.extension}` }
    }
    throw new ConflictError('Every name for a file is taken', 'destination-exists')
  })
}

/** Undefined when a name was taken meanwhile. */
async function placeAll (deps: PlaceDeps, plan: DownloadPlan, models: readonly NamedModel[], preview: FetchedPreview | null): Promise<Placed[] | undefined> {
  const { library, directory } = plan
  const paths = models.flatMap(({ path, stem }) => [path, `${directory}/${stem}${SIDECAR_EXTENSION}`])
  return await library.exclusively(paths, async () => {
    const names = await readdir(directory)
    if (models.some(({ stem, extension }) => isTaken(names, stem, extension))) return undefined
    const copies: FetchedPreview[] = []
    try {
      if (preview) for (const { path } of models) copies.push(await copyOf(preview, path))
      return await carryOut(deps, plan, models, names, copies)
    } finally {
      for (const { file } of copies) await rm(file, { force: true })
    }
  })
}

async function carryOut ({ journal, now }: PlaceDeps, plan: DownloadPlan, models: readonly NamedModel[], names: readonly string[], previews: readonly FetchedPreview[]): Promise<Placed[]> {
  const steps: Step[] = []
  for (const [n, model] of models.entries()) {
    const companions = await companionSteps(plan, { ...model, modified: now() / 1000 }, names, previews[n] ?? null)
    // To take it back must put it into the trash, not under a temporary name that the next start clears away.
    steps.push({ kind: 'create', path: model.path, from: model.file }, ...companions.steps)
  }
  const label = models.map(({ path }) => posix.basename(path)).join(', ')
  const { id, units: [unit] } = await journal.run({ kind: 'download', route: 'download', summary: `Downloaded and unpacked ${plan.title}`, units: [{ key: models[0]?.path ?? plan.directory, label, steps }] })
  const failure = failureOf(unit)
  if (failure) throw failure
  await plan.library.settle({ changed: models.map(({ path }) => path) })
  return models.map(({ path, sha256 }) => ({ path, sha256, operation: id, preview: false }))
}

async function copyOf ({ file, ...rest }: FetchedPreview, model: string): Promise<FetchedPreview> {
  const copy = ownTempPath(model)
  await copyFile(file, copy, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  return { ...rest, file: copy }
}
