import type { SettingsManager, StartupMessage } from '../../services/settings/types.ts'

/** What clients may know of the settings, with what another program wrote into the file since. */
export const readSettings = ({ settings }: { settings: Pick<SettingsManager, 'refresh' | 'exposed' | 'messages'> }) =>
  async (): Promise<{ settings: Record<string, unknown>, messages: StartupMessage[] }> => {
    await settings.refresh()
    return { settings: settings.exposed(), messages: settings.messages() }
  }
