import { ConflictError } from '../errors.ts'
import { createSlices } from '../jobs/slices.ts'
import type { Journal, Unit } from '../journal/types.ts'
import type { EditSidecar } from '../models/edit-sidecar.ts'
import type { ModelLibrary } from '../models/ports.ts'
import type { ModelTypeName } from '../models/types.ts'
import { stepsFromZero } from './count-from-zero.ts'
import { freshId } from './custom-id.ts'
import { isInside, namesIn } from './folder-files.ts'
import { createLocalExamples } from './local-examples.ts'
import { customIdOf, positionOf } from './media-names.ts'
import { isModelHash } from './model-hash.ts'
import { findOwnAmongRegular, separateOwnImages } from './own-among-regular.ts'
import type { ExamplePlace } from './places.ts'
import { NAMING_VERSION, type ProgressFile } from './progress-file.ts'
import { customIds, regularImages } from './sidecar-images.ts'
import type { ImageSources } from './sources.ts'
import { isSettled, type Target } from './targets.ts'

export interface AdoptNamingDeps {
  libraries: readonly ModelLibrary[]
  libraryOf: (type: ModelTypeName) => ModelLibrary
  editorOf: (type: ModelTypeName) => EditSidecar
  journal: Pick<Journal, 'run'>
  sources: Pick<ImageSources, 'forget'>
  progressFile: Pick<ProgressFile, 'read' | 'mark'>
  warn (message: string, error: unknown): void
}

/** Answers the version that all files of the place bear now. @throws the signal's reason, OfflineError, what the disk says of the folder as a whole */
export type AdoptNaming = (place: ExamplePlace, targets: readonly Target[], signal: AbortSignal) => Promise<number>

/** Folders in one operation that can be undone. */
const BATCH = 500
const COUNTED_FROM_ZERO = 1

interface Folder { hash: string, path: string, names: string[], target: Target | undefined }

/**
 * Brings files that older versions named to the names of now, as operations that can be undone: first those that were counted from 1, then
 * the user's own images that stood among those of CivitAI. Each step is noted when it is done for every folder, and only then: what could not
 * be done, or could not be told while models are away, is for the next time. `targets` are all models of the library.
 */
export function createAdoptNaming (deps: AdoptNamingDeps): AdoptNaming {
  const { libraryOf, journal, sources, progressFile, warn } = deps

  return async (place, targets, signal) => {
    const { namingVersion } = await progressFile.read(place)
    if (namingVersion >= NAMING_VERSION) return namingVersion
    const hashes = (await namesIn(place.libraryRoot) ?? []).filter(isModelHash)
    if (hashes.length === 0) return NAMING_VERSION
    const byHash = new Map(targets.map((target) => [target.hash, target]))
    const folders = async function * (): AsyncGenerator<Folder> {
      const slice = createSlices()
      for (const name of hashes) {
        signal.throwIfAborted()
        await slice()
        const path = `${place.libraryRoot}/${name}`
        const names = await namesIn(path)
        if (names?.some((file) => positionOf(file) !== undefined)) yield { hash: name.toLowerCase(), path, names, target: byHash.get(name.toLowerCase()) }
      }
    }
    if (namingVersion < COUNTED_FROM_ZERO) {
      if (!await countFromZero(place, folders(), signal)) return namingVersion
      signal.throwIfAborted()
      await progressFile.mark(place, COUNTED_FROM_ZERO)
    }
    if (!deps.libraries.every(isSettled) || !await separateOwn(place, folders(), signal)) return COUNTED_FROM_ZERO
    signal.throwIfAborted()
    await progressFile.mark(place, NAMING_VERSION)
    return NAMING_VERSION
  }

  async function countFromZero (place: ExamplePlace, folders: AsyncIterable<Folder>, signal: AbortSignal): Promise<boolean> {
    let whole = true
    let units: Unit[] = []
    const carryOut = async (): Promise<void> => {
      const batch = units
      units = []
      if (batch.length === 0) return
      const result = await journal.run({ kind: 'example-naming', route: 'example-images-naming', summary: `Example images of ${batch.length} models, counted from 0`, units: batch }, { signal })
      for (const { key, ok, error } of result.units) {
        sources.forget(key)
        whole &&= ok
        if (error) warn(`the example images ${key.slice(0, 8)} stay numbered from 1`, error)
      }
    }
    for await (const { hash, path, names, target } of folders) {
      const images = target?.paths.map((model) => regularImages(libraryOf(target.type).sidecar(model))).find((list) => list.length > 0)
      const steps = stepsFromZero(path, names, images ?? [])
      if (steps.length === 0 || !await isInside(place.root, path)) continue
      units.push({ key: hash, label: target?.name ?? hash.slice(0, 8), steps })
      if (units.length >= BATCH) await carryOut()
    }
    await carryOut()
    return whole
  }

  async function separateOwn (place: ExamplePlace, folders: AsyncIterable<Folder>, signal: AbortSignal): Promise<boolean> {
    const localExamples = createLocalExamples()
    let whole = true
    for await (const { hash, path, names, target } of folders) {
      if (!target || (await Promise.all(target.paths.map(async (model) => await localExamples.of(model)))).flat().length > 0) continue
      try {
        if (await isInside(place.root, path)) await separateOf(target, path, names)
      } catch (error) {
        signal.throwIfAborted()
        whole = false
        warn(`the example images ${hash.slice(0, 8)} of one's own stay among those of CivitAI`, error)
      }
    }
    return whole
  }

  /** Files with the same hash share the folder; those whose metadata tells the same list change with the first. */
  async function separateOf (target: Target, folder: string, names: readonly string[]): Promise<void> {
    const library = libraryOf(target.type)
    const documents = target.paths.map((path) => ({ path, document: library.sidecar(path) }))
    const taken = new Set([...documents.flatMap(({ document }) => customIds(document)), ...names.flatMap((name) => customIdOf(name) ?? [])])
    for (const { document } of documents) {
      const images = regularImages(document)
      const own = findOwnAmongRegular(folder, names, images, () => freshId(taken))
      if (!own) continue
      const told = JSON.stringify(images)
      const same = documents.filter((other) => JSON.stringify(regularImages(other.document)) === told)
      for (const [n, { path }] of same.entries()) {
        await deps.editorOf(target.type)({
          path,
          kind: 'example-naming',
          route: 'example-images-naming',
          summary: `Your own example images of ${target.name}, apart from those of CivitAI`,
          ...(n === 0 && { further: own.moves }),
          change (fresh) {
            // Files would go to places of another list.
            if (JSON.stringify(regularImages(fresh)) !== told) throw new ConflictError('The metadata has changed meanwhile', 'source-changed')
            separateOwnImages(fresh, own.ids)
          }
        })
      }
      sources.forget(target.hash)
      return
    }
  }
}
