import type { Journal } from '../journal/types.ts'
import type { PathQueue } from '../files/path-queue.ts'
import type { Logger } from '../logger.ts'
import type { Recipe } from './ports.ts'
import type { RecipeIndex } from './recipe-index.ts'
import type { RecipeSession } from './recipe-session.ts'
import type { StoredRecipe } from './recipe-store.ts'

export interface ChangedIds { created?: string[], updated?: string[], deleted?: string[] }

/** What every change of recipes stands on. */
export interface ChangeContext {
  index: RecipeIndex
  journal: Pick<Journal, 'run'>
  paths: PathQueue
  logger: Logger
  /** Seconds since 1970. */
  now: () => number
  /** The opened session, its directory there. @throws ServiceNotReadyError, OfflineError, InvalidInputError without a recipe directory */
  online: () => RecipeSession
  read: (id: string) => Recipe | undefined
  matching: (fingerprint: string, except?: string) => StoredRecipe[]
  /** Tells clients, once index and rows are in step. */
  announce: (ids: ChangedIds, operation: string | undefined) => void
}
