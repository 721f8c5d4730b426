import type { Core } from '../../services/core.ts'
import { activateLibrary } from './activate-library.ts'
import { announceChanges } from './announce-changes.ts'
import { deleteLibrary } from './delete-library.ts'
import { listLibraries } from './list-libraries.ts'
import { listPriorityTags } from './list-priority-tags.ts'
import { readSettings } from './read-settings.ts'
import { renameLibrary } from './rename-library.ts'
import { saveLibrary } from './save-library.ts'
import { saveSettings } from './save-settings.ts'

export type SettingsUseCases = ReturnType<typeof createSettingsUseCases>

export function createSettingsUseCases ({ settings, hub }: Pick<Core, 'settings' | 'hub'>) {
  return {
    readSettings: readSettings({ settings }),
    saveSettings: saveSettings({ settings }),
    listPriorityTags: listPriorityTags({ settings }),
    listLibraries: listLibraries({ settings }),
    activateLibrary: activateLibrary({ settings }),
    saveLibrary: saveLibrary({ settings }),
    renameLibrary: renameLibrary({ settings }),
    deleteLibrary: deleteLibrary({ settings }),
    /** Puts every change on the event feed from now on; the result ends that. */
    announceChanges: () => announceChanges({ settings, hub })
  }
}
