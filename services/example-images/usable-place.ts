import { stat } from 'node:fs/promises'
import { ownedDirectories } from '../settings/change.ts'
import { findExampleImagesProblem } from '../settings/example-images-directory.ts'
import type { Refusal, SettingsManager } from '../settings/types.ts'
import type { ExamplePlace, ExamplePlaces } from './places.ts'

/**
 * The place, if it is a folder of example images and nothing else; or why not. Asked anew before anything is removed, since the path may have
 * come into the settings by an edit of the file.
 */
export async function findUsablePlace (places: ExamplePlaces, settings: Pick<SettingsManager, 'libraries'>): Promise<ExamplePlace | Refusal> {
  const place = places.find()
  if (!place) return { code: 'path-not-configured', reason: 'Example images path is not configured' }
  const found = await stat(place.libraryRoot).catch(() => undefined)
  if (!found?.isDirectory()) return { code: 'path-not-found', reason: 'The folder of example images was not found' }
  return await findExampleImagesProblem(place.root, await ownedDirectories(Object.values(settings.libraries()))) ?? place
}
