import { InvalidInputError, NotFoundError } from '../../services/errors.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import type { OrganizeAnswer } from '../../services/models/organize-answer.ts'
import type { StoredPlan } from '../../services/models/organize-plan-store.ts'
import { readOrganizeRequest } from '../../services/models/organize-request.ts'
import type { Organizer } from '../../services/models/organizer.ts'

interface Deps { library: ModelLibrary, organizer: Organizer }

export interface OrganizeInput { file_paths?: unknown, exclusion_patterns?: unknown, dry_run?: unknown }

export type DryRunAnswer = { dry_run: true, plan: StoredPlan }

/**
 * Sorts models into the folders of the templates and waits for the end; with `dry_run` it answers what it would do.
 * An empty list of files is nothing to do, never everything.
 * @throws ConflictError while another run, of any type, is under way
 */
export const organizeModels = ({ library, organizer }: Deps) => async (input: OrganizeInput): Promise<OrganizeAnswer | DryRunAnswer> => {
  const request = readOrganizeRequest(input)
  if (isDryRun(input.dry_run)) return { dry_run: true, plan: await organizer.plan(library.type.name, request) }
  if (request.filePaths?.length === 0) return NOTHING
  return await organizer.run(library.type.name, request)
}

const NOTHING: OrganizeAnswer = {
  status: 'success',
  message: 'Auto-organize bulk completed: 0 moved, 0 skipped, 0 failed out of 0 total',
  summary: { total: 0, success: 0, skipped: 0, failures: 0, organization_type: 'structured', cleaned_dirs: {}, operation_type: 'bulk' },
  results: []
}

/** The last frame of the last run. @throws NotFoundError before any */
export const getOrganizeProgress = ({ organizer }: Pick<Deps, 'organizer'>) => (): Record<string, unknown> => {
  const progress = organizer.progress()
  if (!progress) throw new NotFoundError('No auto-organize operation in progress', 'organize-never-run')
  return progress
}

/** Anything but a clear yes or no is refused: a misread wish for a dry run would move files. */
function isDryRun (value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 'false') return false
  if (value === true || value === 'true') return true
  throw new InvalidInputError('dry_run is true or false')
}
