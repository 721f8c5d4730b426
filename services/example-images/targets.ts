import { setTimeout as delay } from 'node:timers/promises'
import { ServiceNotReadyError } from '../errors.ts'
import { createSlices } from '../jobs/slices.ts'
import type { IndexedModel } from '../models/entry.ts'
import type { ModelLibrary } from '../models/ports.ts'
import type { ModelTypeName } from '../models/types.ts'

/** Models that share one folder of example images: the files of one hash. */
export interface Target {
  /** Lower-case. */
  hash: string
  type: ModelTypeName
  /** For people. */
  name: string
  /** Paths of its files, in the order of the index. */
  paths: string[]
}

const OPENING_MS = 200

export function checkOpened (libraries: readonly ModelLibrary[]): void {
  if (libraries.some(({ opened }) => !opened)) throw new ServiceNotReadyError()
}

/** Whether the index holds what the last scan found, and is not being made for the first time. */
export function isComplete ({ opened, initializing }: ModelLibrary): boolean {
  return opened && !initializing
}

/** Whether every model of the library is in its index: one that is away would look as if it were gone. */
export function isSettled (library: ModelLibrary): boolean {
  return isComplete(library) && library.rootStatus().every(({ state }) => state === 'online')
}

/** What begins with the process is there before the libraries are. @throws the signal's reason */
export async function untilAll (libraries: readonly ModelLibrary[], reached: (library: ModelLibrary) => boolean, signal: AbortSignal): Promise<void> {
  while (!libraries.every(reached)) await delay(OPENING_MS, undefined, { signal }).catch(() => { throw signal.reason })
}

export function everyTypeOf (libraries: readonly ModelLibrary[]): ReadonlySet<ModelTypeName> {
  return new Set(libraries.map(({ type }) => type.name))
}

/** Every hash once, however many files bear it, LoRAs first; in slices that leave requests their turn. @throws ServiceNotReadyError */
export async function gatherTargets (libraries: readonly ModelLibrary[], types: ReadonlySet<ModelTypeName>, wanted: ReadonlySet<string> | null): Promise<Target[]> {
  checkOpened(libraries)
  const targets = new Map<string, Target>()
  const slice = createSlices()
  for (const { index } of libraries.filter(({ type }) => types.has(type.name))) {
    for (const { sha256: hash, type, file_path: path, model_name: name } of index.entries()) {
      const turn = slice()
      if (turn) await turn
      if (hash === '' || (wanted && !wanted.has(hash))) continue
      const known = targets.get(hash)
      if (known) known.paths.push(path)
      else targets.set(hash, { hash, type, name, paths: [path] })
    }
  }
  return [...targets.values()]
}

/** The library and model of a hash, excluded ones too; LoRAs first. @throws ServiceNotReadyError */
export function findModel (libraries: readonly ModelLibrary[], hash: string): { library: ModelLibrary, model: IndexedModel } | undefined {
  checkOpened(libraries)
  for (const library of libraries) {
    const model = [...library.index.byHash(hash), ...library.index.excluded()].find(({ sha256 }) => sha256 === hash)
    if (model) return { library, model }
  }
  return undefined
}
