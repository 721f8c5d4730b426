import { NotFoundError } from '../../services/errors.ts'
import { failureOf } from '../../services/journal/errors.ts'
import type { Journal, OperationDetail } from '../../services/journal/types.ts'
import { holdPaths, settleOperation } from '../../services/models/settle-operation.ts'
import { requireOnline, type OperationDeps } from './undo-operation.ts'

/** Brings a batch, or one item of it, back from the trash to where it was. @throws NotFoundError; ConflictError when its place is taken */
export const restoreFromTrash = (deps: OperationDeps) => async (id: string): Promise<{ operation: OperationDetail }> => {
  const { journal, libraries, hub } = deps
  const paths = originals(journal, id)
  requireOnline(deps, paths)
  return await holdPaths(libraries, paths, async () => {
    const result = await journal.trash.restore(id, 'trash')
    await settleOperation(deps, result)
    hub.publish('operation.finished', { id: result.id, kind: 'restore', state: result.state }, { operation: result.id })
    const broken = result.units.every(({ ok }) => !ok) ? failureOf(result.units[0]) : null
    if (broken) throw broken
    return { operation: journal.operation(result.id) }
  })
}

/** Where what is to come back lay: from the operation that took it away. */
function originals (journal: Journal, id: string): string[] {
  const dash = id.indexOf('-')
  try {
    return journal.operation(dash < 0 ? id : id.slice(0, dash)).unit_list.flatMap(({ key, files }) => [key, ...files.flatMap(({ from }) => from ?? [])])
  } catch (error) {
    if (error instanceof NotFoundError) throw new NotFoundError('This is not in the trash (any more)', 'not-in-trash')
    throw error
  }
}
