import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import type { Journal, Unit } from '../journal/types.ts'
import { namesIn } from './folder-files.ts'
import { folderMoveSteps } from './folder-moves.ts'
import { isModelHash } from './model-hash.ts'
import { BIN_NAME, type ExamplePlace } from './places.ts'
import { PROGRESS_FILE } from './progress-file.ts'
import type { Target } from './targets.ts'

export interface AdoptLayoutDeps {
  journal: Pick<Journal, 'run'>
  warn (message: string, error: unknown): void
}

export type AdoptLayout = (place: ExamplePlace, targets: readonly Pick<Target, 'hash'>[], signal: AbortSignal) => Promise<void>

/** Folders in one operation that can be undone. */
const BATCH = 500

interface FolderMove { hash: string, from: string, to: string }

/**
 * Brings folders of an earlier layout to where they belong now, as operations that can be undone: with several libraries from the root
 * to the library whose model it is, with a single one from folders of libraries back to the root. What is in the way stays.
 */
export function createAdoptLayout ({ journal, warn }: AdoptLayoutDeps): AdoptLayout {
  return async (place, targets, signal) => {
    const moves = place.prefix === '' ? await outOfLibraries(place) : await intoLibrary(place, targets)
    for (let at = 0; at < moves.length && !signal.aborted; at += BATCH) {
      const units: Unit[] = []
      for (const { hash, from, to } of moves.slice(at, at + BATCH)) units.push({ key: hash, label: hash.slice(0, 8), steps: await folderMoveSteps(from, to) })
      const { units: done } = await journal.run({ kind: 'example-layout', route: 'download-example-images', summary: `Example images of ${units.length} models into the layout of now`, units }, { signal })
      for (const { key, error } of done) if (error) warn(`the example images ${key.slice(0, 8)} stay where an earlier layout put them`, error)
    }
  }
}

async function intoLibrary ({ root, libraryRoot }: ExamplePlace, targets: readonly Pick<Target, 'hash'>[]): Promise<FolderMove[]> {
  const atRoot = new Set(await namesIn(root))
  const present = new Set(await namesIn(libraryRoot))
  return targets.filter(({ hash }) => atRoot.has(hash) && !present.has(hash)).map(({ hash }) => ({ hash, from: `${root}/${hash}`, to: `${libraryRoot}/${hash}` }))
}

async function outOfLibraries ({ root }: ExamplePlace): Promise<FolderMove[]> {
  const entries = await readdir(root, { withFileTypes: true })
  const taken = new Set(entries.map(({ name }) => name.toLowerCase()))
  const moves: FolderMove[] = []
  for (const entry of entries) {
    if (!entry.isDirectory() || isModelHash(entry.name) || entry.name === BIN_NAME) continue
    const inside = await readdir(`${root}/${entry.name}`, { withFileTypes: true })
    if (!inside.every(isOurs)) continue
    for (const { name } of inside) {
      const hash = name.toLowerCase()
      if (!isModelHash(name) || taken.has(hash)) continue
      taken.add(hash)
      moves.push({ hash, from: `${root}/${entry.name}/${name}`, to: `${root}/${hash}` })
    }
  }
  return moves
}

/** A folder with anything else in it is no folder of a library. */
function isOurs (entry: Dirent): boolean {
  return entry.isDirectory() ? isModelHash(entry.name) || entry.name === BIN_NAME : entry.name === PROGRESS_FILE
}
