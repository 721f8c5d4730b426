import type { SettingsManager } from '../../services/settings/types.ts'
import { libraryList, type LibraryList } from './list-libraries.ts'
import { libraryName } from './library-name.ts'

type Deps = { settings: Pick<SettingsManager, 'activateLibrary' | 'libraries' | 'activeLibrary'> }

/** Makes another library the active one; naming the active one reloads it. @throws NotFoundError */
export const activateLibrary = ({ settings }: Deps) => async (body: Record<string, unknown>): Promise<LibraryList> => {
  await settings.activateLibrary(libraryName(body, 'library', 'library_name'))
  return libraryList(settings)
}
