import { ConflictError, DomainError, InvalidInputError, NotFoundError, PathOutsideLibraryError } from '../../services/errors.ts'
import { failureOf } from '../../services/journal/errors.ts'
import type { Journal, OperationDetail, OperationResult, Step } from '../../services/journal/types.ts'
import { holdPaths, settleOperation, type OperationFollowers } from '../../services/models/settle-operation.ts'
import { findStagedBatch, findStagedRecipes, type StagedBatch } from '../../services/models/staged-batch.ts'
import { containedIn, normalizeClientPath } from '../../services/files/safe-path.ts'
import type { RecipeShelf } from '../../services/recipes/ports.ts'
import { isRecipeFile } from '../../services/recipes/recipe-file.ts'
import { withinLibrary } from './within-library.ts'

export interface UndoDeps extends OperationFollowers {
  recipes: Pick<RecipeShelf, 'settle' | 'root'>
  journal: Journal
  settingsDirectory: string
  /** Milliseconds since 1970. */
  now: () => number
}

export interface UndoneDelete { restored: string[], kind: 'model' | 'recipe' }

const ROUTE = 'undo-delete'
/** Clients show 20 seconds; what is on its way when they end still arrives. */
const WINDOW_SECONDS = 25
const GRACE_SECONDS = 5
const DELETES = new Set(['delete', 'bulk-delete'])

/**
 * Puts back what a delete took away, all of it or nothing. Batches that another program of the family laid aside are known, too.
 * @throws InvalidInputError; NotFoundError for an unknown batch, for one whose time is over, and when a place is taken
 */
export const undoDelete = (deps: UndoDeps) => async ({ batch_id: id }: { batch_id?: unknown }): Promise<UndoneDelete> => {
  if (typeof id !== 'string' || id === '') throw new InvalidInputError('batch_id is required')
  if (!/^[0-9a-f]{32}$/.test(id)) throw new InvalidInputError('Invalid batch_id')
  const own = ownBatch(deps.journal, id)
  if (own) return await undoOwn(deps, own)
  const batch = await findStagedBatch(deps.libraries.flatMap((library) => library.roots().filter((root) => !library.isAway(root.id)).map(({ path }) => path)), id)
  if (batch) return await restoreStaged(deps, id, batch)
  const recipes = await findStagedRecipes(deps.settingsDirectory, id)
  if (!recipes) throw unknown(id)
  return await restoreRecipes(deps, id, recipes)
}

function unknown (id: string): NotFoundError {
  return new NotFoundError(`Unknown batch id: ${id}`, 'batch-unknown')
}

function expired (): NotFoundError {
  return new NotFoundError('The time to undo this has expired', 'batch-expired')
}

/** undefined: not one of ours. @throws NotFoundError when it is over */
function ownBatch (journal: Journal, id: string): OperationDetail | undefined {
  let operation: OperationDetail
  try {
    if (journal.expired(id, WINDOW_SECONDS)) throw expired()
    operation = journal.operation(id)
  } catch (error) {
    if (error instanceof NotFoundError && error.code !== 'batch-expired') return undefined
    throw error
  }
  if (!DELETES.has(operation.kind) || operation.state === 'undone') throw unknown(id)
  return operation
}

async function undoOwn (deps: UndoDeps, operation: OperationDetail): Promise<UndoneDelete> {
  const { libraries, journal } = deps
  const paths = operation.unit_list.map(({ key }) => key)
  return await holdPaths(libraries, paths, async () => {
    const result = await asNotFound(async () => await journal.undo(operation.id, ROUTE))
    return await finish(deps, result)
  })
}

async function restoreStaged (deps: UndoDeps, id: string, batch: StagedBatch): Promise<UndoneDelete> {
  const { libraries, journal, now } = deps
  if (batch.expiresAt + GRACE_SECONDS < now() / 1000) throw expired()
  const moves = batch.files.map(({ staged, original }): Step & { kind: 'move' } => ({ kind: 'move', from: staged, to: withinLibrary(libraries, original) }))
  if (moves.length === 0) throw unknown(id)
  const steps: Step[] = [
    ...moves,
    { kind: 'trash', path: batch.manifest },
    { kind: 'rmdir', path: batch.directory },
    { kind: 'rmdir', path: batch.directory.slice(0, batch.directory.lastIndexOf('/')) }
  ]
  return await holdPaths(libraries, moves.map(({ to }) => to), async () => {
    const result = await journal.run({ kind: 'restore', route: ROUTE, summary: 'Restore deleted models', units: [{ key: moves[0]?.to ?? id, label: 'Deleted models', steps }] })
    const done = await finish(deps, result)
    return { ...done, restored: moves.map(({ to }) => to) }
  })
}

/** Into the recipe directory and nowhere else. What is left of the batch is tidied by the program that made it. */
async function restoreRecipes (deps: UndoDeps, id: string, batch: StagedBatch): Promise<UndoneDelete> {
  const { libraries, journal, recipes, now } = deps
  if (batch.expiresAt + GRACE_SECONDS < now() / 1000) throw expired()
  const root = recipes.root()
  const moves = batch.files.map(({ staged, original }): Step & { kind: 'move' } => {
    const to = normalizeClientPath(original)
    if (root === null || to === root || !containedIn(root, to)) throw new PathOutsideLibraryError()
    return { kind: 'move', from: staged, to }
  })
  const document = moves.find(({ to }) => isRecipeFile(to))
  if (!document) throw unknown(id)
  return await holdPaths(libraries, moves.map(({ to }) => to), async () => {
    const result = await journal.run({ kind: 'restore', route: ROUTE, summary: 'Restore deleted recipes', units: [{ key: document.to, label: 'Deleted recipes', steps: moves }] })
    return { ...await finish(deps, result), restored: moves.map(({ to }) => to) }
  })
}

async function finish (deps: UndoDeps, result: OperationResult): Promise<UndoneDelete> {
  const { restored } = await settleOperation(deps, result)
  const broken = result.units.find(({ ok }) => !ok)
  if (!broken) return { restored, kind: result.units.length > 0 && result.units.every(({ key }) => isRecipeFile(key)) ? 'recipe' : 'model' }
  const failure = failureOf(broken)
  if (failure?.code === 'destination-exists') throw new NotFoundError(failure.message, failure.code)
  throw failure ?? new ConflictError('Some files could not be restored')
}

/** Clients know a changed world as 404. */
async function asNotFound<T> (work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof DomainError && error.code === 'undo-refused') throw new NotFoundError(error.message, 'undo-refused')
    throw error
  }
}
