import type { Core } from '../../services/core.ts'

/** Puts every change on the event feed: names of keys, never their values. Answers how to stop. */
export function announceChanges ({ settings, hub }: Pick<Core, 'settings' | 'hub'>): () => void {
  return settings.onChange(({ keys, libraryActivated }) => {
    if (keys.size > 0) hub.publish('settings.changed', { keys: [...keys].sort() })
    if (libraryActivated) hub.publish('library.activated', { library: settings.activeLibrary().name })
  })
}
