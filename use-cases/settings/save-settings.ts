import type { SettingsManager, UpdateOutcome } from '../../services/settings/types.ts'

/** Saves all given keys, or none and says why. */
export const saveSettings = ({ settings }: { settings: Pick<SettingsManager, 'update'> }) =>
  async (patch: Record<string, unknown>): Promise<UpdateOutcome> => await settings.update(patch)
