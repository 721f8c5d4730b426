import { InvalidInputError, NotFoundError } from '../../services/errors.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import type { OrganizeAnswer } from '../../services/models/organize-answer.ts'
import type { OrganizeRequest } from '../../services/models/organize-plan.ts'
import type { StoredPlan } from '../../services/models/organize-plan-store.ts'
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
  if (input.dry_run === true || input.dry_run === 'true') return { dry_run: true, plan: await organizer.plan(library.type.name, request) }
  if (request.filePaths?.length === 0) return NOTHING
  return await organizer.run(library.type.name, request)
}

const NOTHING: OrganizeAnswer = {
  status: 'success',
  message: 'Auto-organize bulk completed: 0 moved, 0 skipped, 0 failed out of 0 total',
  summary: { total: 0, success: 0, skipped: 0, failures: 0, organization_type: 'structured', cleaned_dirs: {}, operation_type: 'bulk' },
  results: []
}

/** @throws InvalidInputError for lists that are none: a slip of a client must not organize everything */
export function readOrganizeRequest ({ file_paths: paths, exclusion_patterns: patterns }: OrganizeInput): OrganizeRequest {
  if (paths !== undefined && paths !== null && !isTexts(paths)) throw new InvalidInputError('"file_paths" must be a list of paths')
  return { filePaths: paths ?? null, exclusions: readPatterns(patterns) }
}

function isTexts (value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}

/** A list, or a text with commas, semicolons or lines between the patterns. */
function readPatterns (value: unknown): string[] | null {
  if (value === undefined || value === null) return null
  const list = typeof value === 'string' ? value.split(/[,;\n]/) : value
  if (!isTexts(list)) throw new InvalidInputError('"exclusion_patterns" must be a list of patterns, or a text')
  return [...new Set(list.map((pattern) => pattern.trim()).filter((pattern) => pattern !== ''))]
}

/** The last frame of the last run. @throws NotFoundError before any */
export const getOrganizeProgress = ({ organizer }: Pick<Deps, 'organizer'>) => (): Record<string, unknown> => {
  const progress = organizer.progress()
  if (!progress) throw new NotFoundError('No auto-organize operation in progress', 'organize-never-run')
  return progress
}
