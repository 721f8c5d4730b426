import { stat } from 'node:fs/promises'
import type { StateDatabase } from '../database/types.ts'
import { ExampleFolderAwayError } from './errors.ts'
import { namesIn } from './folder-files.ts'
import { isModelHash } from './model-hash.ts'
import type { ExamplePlace } from './places.ts'

/** Remembers how many folders there were: the mount point of a disk that is away is an empty folder too. */
export interface FolderMemory {
  /**
   * `trusting`: someone asked for it, so the folder really is as it is.
   * @throws ExampleFolderAwayError when it is gone, or shows fewer than half of its folders
   */
  check (place: ExamplePlace, options: { trusting: boolean }): Promise<void>
  /** Notes how many there are now; a folder that can't be read is none to be remembered. */
  remember (place: ExamplePlace): Promise<void>
}

/** Of fewer, half is no telling. */
const TELLING = 20

const steps = ['CREATE TABLE example_image_places (path TEXT PRIMARY KEY, folders INTEGER NOT NULL) WITHOUT ROWID;']

export function createFolderMemory ({ state }: { state: StateDatabase }): FolderMemory {
  state.migrate('example-image-places', steps)
  const read = state.db.prepare<[string], number>('SELECT folders FROM example_image_places WHERE path = ?').pluck()
  const put = state.db.prepare('INSERT OR REPLACE INTO example_image_places (path, folders) VALUES (?, ?)')

  async function count ({ libraryRoot }: ExamplePlace): Promise<number> {
    return (await namesIn(libraryRoot) ?? []).filter(isModelHash).length
  }

  return {
    async check (place, { trusting }) {
      const found = await stat(place.root).catch(() => undefined)
      if (!found?.isDirectory()) throw new ExampleFolderAwayError('The folder of example images is not there; its disk may be away')
      const before = Number(read.get(place.libraryRoot) ?? 0)
      if (trusting || before < TELLING || await count(place) * 2 >= before) return
      throw new ExampleFolderAwayError(`The folder of example images shows fewer than half of the ${before} folders it had; its disk may be away. With "force" it is taken as it is`)
    },
    async remember (place) {
      const now = await count(place).catch(() => undefined)
      if (now !== undefined && now !== read.get(place.libraryRoot)) put.run(place.libraryRoot, now)
    }
  }
}
