import type { Core } from '../../services/core.ts'
import type { OperationDetail, OperationView, Page, TrashBatch } from '../../services/journal/types.ts'
import { emptyTrash } from './empty-trash.ts'
import { restoreFromTrash } from './restore-from-trash.ts'
import { undoOperation } from './undo-operation.ts'

const LARGEST_PAGE = 200

export interface PageInput { limit?: number | undefined, after?: string | undefined }

/** A limit beyond the bounds is clamped. */
const pageOf = ({ limit = 50, after }: PageInput): { limit: number, after?: string } => ({
  limit: Math.min(Math.max(limit, 1), LARGEST_PAGE),
  ...(after !== undefined && { after })
})

export type OperationUseCases = ReturnType<typeof createOperationUseCases>

/** What was done to files, and the way back. */
export function createOperationUseCases ({ journal, models, recipes, hub }: Pick<Core, 'journal' | 'models' | 'recipes' | 'hub'>) {
  const deps = { journal, libraries: Object.values(models), recipes, hub }
  return {
    /** Newest first. */
    listOperations: (input: PageInput): Page<OperationView> => journal.operations(pageOf(input)),
    getOperation: (id: string): OperationDetail => journal.operation(id),
    undoOperation: undoOperation(deps),
    listTrash: (input: PageInput): Page<TrashBatch> => journal.trash.list(pageOf(input)),
    restoreFromTrash: restoreFromTrash(deps),
    emptyTrash: emptyTrash(deps)
  }
}
