import { describeFailure } from '../journal/errors.ts'
import { createSlices } from '../jobs/slices.ts'
import type { JobContext } from '../jobs/types.ts'
import { countRemoved, foldersToEmpty, parentOf } from './emptied-folders.ts'
import { stemOf } from './file-set.ts'
import { createFolderListings } from './folder-listings.ts'
import { longestMatchingRoot } from '../files/safe-path.ts'
import type { OrganizeFrames } from './organize-frames.ts'
import { findPlanChanges } from './organize-plan.ts'
import type { OrganizePlan, PlannedMove } from './organize-plan.ts'
import { relocateModels } from './relocate-models.ts'
import type { RelocateDeps } from './relocate-models.ts'
import { planRelocation } from './relocation.ts'
import type { Relocation } from './relocation.ts'

export interface OrganizeProblem { model: string, success: false, message: string }

export interface OrganizeOutcome {
  status: 'success' | 'cancelled'
  /** Id of the journal's operation; null when nothing had to be moved. */
  operation: string | null
  cleaned: Record<string, number>
  problems: OrganizeProblem[]
}

interface RunContext { frames: OrganizeFrames, signal: AbortSignal, recordFailure: JobContext['recordFailure'] }

/**
 * Carries out a plan as one operation of the journal: the moves, then the folders that they emptied. What is not as the plan
 * found it fails for itself. A cancel stops before the next model and removes no folders.
 */
export async function carryOutPlan (deps: RelocateDeps, plan: OrganizePlan, { frames, signal, recordFailure }: RunContext): Promise<OrganizeOutcome> {
  const { library } = deps
  const problems: OrganizeProblem[] = []
  const fail = (path: string, message: string): void => {
    frames.count('failures')
    recordFailure(path, new Error(message))
    problems.push({ model: nameOf(path), success: false, message })
  }
  for (const { path, reason, quiet } of plan.untouched) {
    if (reason === 'Excluded') continue
    frames.count('skipped')
    if (!quiet) problems.push({ model: nameOf(path), success: false, message: reason })
  }
  for (const { from, reason } of plan.conflicts) fail(from, reason)
  const places = placesOf(deps, plan)
  if (plan.moves.length === 0) {
    if (!signal.aborted) frames.cleaning()
    return { status: signal.aborted ? 'cancelled' : 'success', operation: null, cleaned: Object.fromEntries(places.map((place) => [place, 0])), problems }
  }

  const paths = plan.moves.flatMap(({ from, to }) => [from, to])
  return await library.exclusively([...new Set(paths)], async () => {
    const relocations = await planAll(deps, plan.moves, fail, signal)
    const folders = await foldersToEmpty(relocations.map(({ from }) => from), library.roots())
    let left = relocations.length
    const cleaning = (): void => { if (left === 0 && !signal.aborted) frames.cleaning() }
    const done = relocations.length === 0
      ? null
      : await relocateModels(deps, {
        kind: 'organize',
        route: 'auto-organize',
        summary: `Organize ${relocations.length} models`,
        relocations,
        folders,
        signal,
        onModel ({ relocation, error }) {
          left--
          if (error) fail(relocation.from, error.message)
          else frames.count('success')
          cleaning()
        }
      })
    if (done === null) cleaning()
    const status = left > 0 || signal.aborted ? 'cancelled' : 'success'
    return { status, operation: done?.operation ?? null, cleaned: await countRemoved(folders, places), problems }
  })
}

/** Places under which removed folders are reported: the folders of the models that were named, or every root. */
function placesOf ({ library }: RelocateDeps, plan: OrganizePlan): string[] {
  if (plan.operation_type === 'all') return library.roots().map(({ path }) => path)
  return [...new Set([...plan.moves.map(({ from }) => from), ...plan.untouched.map(({ path }) => path)].map(parentOf))]
}

function nameOf (path: string): string {
  return stemOf(path.slice(path.lastIndexOf('/') + 1))
}

/** The units of the moves that are still possible; the others are told as failures. */
async function planAll ({ library }: RelocateDeps, moves: readonly PlannedMove[], fail: (path: string, message: string) => void, signal: AbortSignal): Promise<Relocation[]> {
  const changed = new Map((await findPlanChanges(moves)).map(({ path, reason }) => [path, reason]))
  const listings = createFolderListings()
  const roots = library.roots()
  const relocations: Relocation[] = []
  const slice = createSlices()
  for (const { from, to } of moves) {
    await slice()
    if (signal.aborted) return []
    const reason = changed.get(from) ?? changed.get(to)
    const model = library.index.get(from)
    if (reason !== undefined || !model) {
      fail(from, reason ?? 'The library knows no such model')
      continue
    }
    try {
      const subType = longestMatchingRoot(roots, to)?.subType ?? null
      relocations.push(await planRelocation(model, { directory: parentOf(to), stem: nameOf(to), subType }, listings))
    } catch (error) {
      fail(from, describeFailure(error).message)
    }
  }
  return relocations
}
