import { mkdir } from 'node:fs/promises'
import { ExampleFolderAwayError } from './errors.ts'
import { isInside } from './folder-files.ts'
import type { ExamplePlace } from './places.ts'

/**
 * Makes the folder of a model and that of its library, never the root: a root that is missing is a disk that is away.
 * @throws ExampleFolderAwayError, also for a link that leads out of the root
 */
export async function makeFolder (place: ExamplePlace, folder: string): Promise<void> {
  try {
    if (place.libraryRoot !== place.root) await makeDirectory(place.libraryRoot)
    await makeDirectory(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new ExampleFolderAwayError('The folder of example images is gone; its disk may be away')
    throw error
  }
  if (!await isInside(place.root, folder)) throw new ExampleFolderAwayError('A folder of example images leads out of the configured one')
}

async function makeDirectory (path: string): Promise<void> {
  await mkdir(path).catch((error: NodeJS.ErrnoException) => { if (error.code !== 'EEXIST') throw error })
}
