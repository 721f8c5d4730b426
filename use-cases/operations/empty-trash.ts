import { InvalidInputError } from '../../services/errors.ts'
import type { EmptiedTrash, Journal } from '../../services/journal/types.ts'

export interface EmptyTrashInput { olderThanDays?: number | undefined, keepBytes?: number | undefined, id?: string | undefined }

/** Removes from the trash for good. What is meant must be said: an empty request empties nothing. @throws InvalidInputError */
export const emptyTrash = ({ journal }: { journal: Pick<Journal, 'trash'> }) => async (input: EmptyTrashInput): Promise<EmptiedTrash> => {
  if (input.olderThanDays === undefined && input.keepBytes === undefined && input.id === undefined) {
    throw new InvalidInputError('Say what is to be removed: older_than_days, keep_bytes or id (older_than_days=0 removes everything)')
  }
  return await journal.trash.empty(input)
}
