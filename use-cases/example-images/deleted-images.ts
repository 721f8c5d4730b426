import { InvalidInputError } from '../../services/errors.ts'
import type { BinFolder, PurgedBin, RestoredFolder } from '../../services/example-images/bin.ts'
import { busyError } from '../../services/example-images/clean-up.ts'
import type { ExampleImages } from '../../services/example-images/example-images.ts'
import type { Page } from '../../services/journal/types.ts'
import type { SettingsManager } from '../../services/settings/types.ts'
import { requirePlace } from './require-place.ts'

interface Deps extends Pick<ExampleImages, 'places' | 'downloader' | 'bin'> {
  settings: Pick<SettingsManager, 'libraries'>
}

const DEFAULT_LIMIT = 50
const MOST = 200

/** What tidying, deleting and fetching anew laid aside. @throws ExampleImagesUnavailableError, OfflineError */
export const listDeleted = ({ places, bin }: Pick<Deps, 'places' | 'bin'>) => async ({ limit = DEFAULT_LIMIT, after }: { limit?: number | undefined, after?: string | undefined }): Promise<Page<BinFolder>> =>
  await bin.list(places.required(), { limit: Math.min(MOST, Math.max(1, limit)), after })

/** @throws ConflictError while a run is under way or every place is taken, NotFoundError */
export const restoreDeleted = ({ places, downloader, bin, settings }: Deps) => async (id: string): Promise<RestoredFolder> => {
  if (downloader.isRunning()) throw busyError()
  return await bin.restore(await requirePlace(places, settings), id)
}

/** Removes for good. What is meant must be said: no age, nothing removed. @throws InvalidInputError, ConflictError while a run is under way */
export const purgeDeleted = ({ places, downloader, bin, settings }: Deps) => async (olderThanDays: number | undefined): Promise<PurgedBin> => {
  if (olderThanDays === undefined) throw new InvalidInputError('Say how old what is to be removed must be: older_than_days (0 removes everything)', 'age-missing')
  if (downloader.isRunning()) throw busyError()
  return await bin.purge(await requirePlace(places, settings), { olderThanDays })
}
