import type { ModelLibrary } from '../../services/models/ports.ts'
import type { SettingsManager } from '../../services/settings/types.ts'
import { parseDuplicateFilter, type RawQuery } from './parse-list-query.ts'

const envelope = (key: string, { groups, count }: { groups: Buffer, count: number }): Buffer =>
  Buffer.concat([Buffer.from(`{"success":true,"${key}":`), groups, Buffer.from(`,"count":${count}}`)])

/** Models of the same content, as complete JSON. */
export const findDuplicates = ({ library }: { library: ModelLibrary }) => (query: RawQuery): Buffer =>
  envelope('duplicates', library.index.duplicates(parseDuplicateFilter(query)))

/** Models of the same name, as complete JSON; there can't be a conflict when prompts name the folder too. */
export const findFilenameConflicts = ({ library, settings }: { library: ModelLibrary, settings: Pick<SettingsManager, 'get'> }) => (): Buffer =>
  envelope('conflicts', settings.get('lora_syntax_format') === 'full' ? { groups: Buffer.from('[]'), count: 0 } : library.index.filenameConflicts())
