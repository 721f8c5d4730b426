import type { Library, SettingsManager } from '../../services/settings/types.ts'

/** All libraries and which one is active, as every answer about libraries carries them. */
export interface LibraryList { libraries: Record<string, Library>, active_library: string }

type Deps = { settings: Pick<SettingsManager, 'libraries' | 'activeLibrary' | 'refresh'> }

export const listLibraries = ({ settings }: Deps) => async (): Promise<LibraryList> => {
  await settings.refresh()
  return libraryList(settings)
}

export function libraryList (settings: Pick<SettingsManager, 'libraries' | 'activeLibrary'>): LibraryList {
  return { libraries: settings.libraries(), active_library: settings.activeLibrary().name }
}
