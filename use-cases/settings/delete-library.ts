import type { SettingsManager } from '../../services/settings/types.ts'
import { libraryList, type LibraryList } from './list-libraries.ts'
import { libraryName } from './library-name.ts'

type Deps = { settings: Pick<SettingsManager, 'deleteLibrary' | 'libraries' | 'activeLibrary'> }

/** Forgets a library and leaves its files alone. @throws NotFoundError, ConflictError for the last one */
export const deleteLibrary = ({ settings }: Deps) => async (body: Record<string, unknown>): Promise<LibraryList> => {
  await settings.deleteLibrary(libraryName(body, 'library', 'library_name'))
  return libraryList(settings)
}
