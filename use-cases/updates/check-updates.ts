import { InvalidInputError } from '../../services/errors.ts'
import type { ModelType } from '../../services/models/types.ts'
import type { QueryValue } from '../../services/query-values.ts'
import type { Updates } from '../../services/updates/types.ts'
import { readFlag, readIds } from './read-input.ts'
import { recordView, type RecordView } from './record-view.ts'

export interface CheckInput { force?: unknown, modelIds?: unknown, model_ids?: unknown, folder_path?: unknown }

export type CheckedUpdates = { success: true, records: RecordView[] } | { success: false, status: 'cancelled', message: string }

/**
 * Asks for newer versions of the models of a type, or of some of them; answers those that have one, when all were asked.
 * @throws InvalidInputError, DomainError
 */
export const checkUpdates = ({ type, updates }: { type: ModelType, updates: Updates }) => async (input: CheckInput, force: QueryValue): Promise<CheckedUpdates> => {
  const modelIds = readIds(input.modelIds ?? input.model_ids)
  if (modelIds?.length === 0) return { success: true, records: [] }
  const answer = await updates.check({ type: type.name, modelIds, folder: readFolder(input.folder_path), force: readFlag(input.force) || readFlag(force) })
  if (answer.status === 'cancelled') return { success: false, status: 'cancelled', message: `Checking ${type.label}s for updates was cancelled` }
  return { success: true, records: answer.records.map((record) => recordView({ updates }, record)) }
}

/** A folder below the roots as the lists give it; the top means everything. */
function readFolder (value: unknown): string | null {
  if (value === undefined || value === null) return null
  if (typeof value !== 'string') throw new InvalidInputError('"folder_path" must be text')
  return value.trim().replaceAll('\\', '/').replace(/^\/+|\/+$/g, '') || null
}
