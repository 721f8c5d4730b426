import type { SettingsManager } from '../../services/settings/types.ts'
import { libraryList, type LibraryList } from './list-libraries.ts'
import { libraryName } from './library-name.ts'

type Deps = { settings: Pick<SettingsManager, 'saveLibrary' | 'activateLibrary' | 'libraries' | 'activeLibrary'> }

/** Creates a library, or changes the given keys of one; `activate: true` makes it the active one too. */
export const saveLibrary = ({ settings }: Deps) => async (body: Record<string, unknown>): Promise<LibraryList & { created: boolean }> => {
  const name = libraryName(body, 'library', 'library_name', 'name')
  const { library: _library, library_name: _libraryName, name: _name, activate, ...patch } = body
  const { created } = await settings.saveLibrary(name, patch)
  if (activate === true) await settings.activateLibrary(name)
  return { created, ...libraryList(settings) }
}
