import { parsePriorityTags } from '../../services/settings/priority-tags.ts'
import { modelTypes } from '../../services/models/types.ts'
import type { SettingsManager } from '../../services/settings/types.ts'

/** The canonical tags of every model type, in the order in which they decide. */
export const listPriorityTags = ({ settings }: { settings: Pick<SettingsManager, 'get'> }) =>
  (): Record<string, string[]> => {
    const lists = settings.get<Record<string, string>>('priority_tags')
    return Object.fromEntries(modelTypes.map(({ name }) => [name, parsePriorityTags(lists[name] ?? '').map(({ canonical }) => canonical)]))
  }
