import type { SettingsManager } from '../../services/settings/types.ts'
import { libraryList, type LibraryList } from './list-libraries.ts'
import { libraryName } from './library-name.ts'

type Deps = { settings: Pick<SettingsManager, 'renameLibrary' | 'libraries' | 'activeLibrary'> }

/** Gives a library another name; an active one stays active. @throws NotFoundError, ConflictError when the name is taken */
export const renameLibrary = ({ settings }: Deps) => async (body: Record<string, unknown>): Promise<LibraryList> => {
  await settings.renameLibrary(libraryName(body, 'library', 'library_name'), libraryName(body, 'new_name'))
  return libraryList(settings)
}
