import { DomainError } from '../errors.ts'
import type { Job, JobContext, JobSystem } from '../jobs/types.ts'
import type { ModelTypeName } from '../models/types.ts'
import { findCandidates, type CandidateDeps, type Candidates } from './candidates.ts'
import type { Hints } from './hints.ts'
import { runRefresh, type Candidate, type Metadata, type RefreshDeps, type RefreshEnd, type StepResult } from './refresh-run.ts'

export interface IdentifyResult { status: RefreshEnd, total: number, identified: number, unconfirmed: number, failed: number, skipped: number }

export interface IdentifyDeps extends RefreshDeps, Pick<CandidateDeps, 'settings'> {
  metadata: readonly Metadata[]
  hints: Hints
  jobs: JobSystem
}

export interface IdentifyInput { types: readonly ModelTypeName[] | null }

const KIND = 'identify'
const ROUTE = 'identify'

/**
 * The job that finds out what the files of the whole library are: by SHA-256 in bulk, then by the hints of headers of files
 * without a hash. The hashes themselves are computed by the jobs that do that; what a hint said is judged when they are there.
 */
export function createIdentify (deps: IdentifyDeps): (input: IdentifyInput) => Job {
  const { jobs, hints } = deps
  jobs.define<IdentifyInput, IdentifyResult>({
    kind: KIND,
    title: () => 'Identify models',
    exclusiveKey: () => KIND,
    resumable: true,
    run: async ({ types }, context) => await identify(deps.metadata.filter(({ sync }) => types === null || types.includes(sync.library.type.name)), context)
  })

  async function identify (metadata: readonly Metadata[], context: JobContext): Promise<IdentifyResult> {
    await hints.settle()
    const lists: { metadata: Metadata, found: Candidates }[] = []
    for (const one of metadata) if (one.sync.library.opened) lists.push({ metadata: one, found: await findCandidates(one.sync.library, deps) })
    const hashed: Candidate[] = lists.flatMap(({ metadata, found }) => found.hashed.map((path) => ({ metadata, path, hashed: true })))
    const unhashed: Candidate[] = lists.flatMap(({ metadata, found }) => found.unhashed.map((path) => ({ metadata, path, hashed: false })))
    const result: IdentifyResult = { status: 'completed', total: hashed.length + unhashed.length, identified: 0, unconfirmed: 0, failed: 0, skipped: 0 }
    const report = (): void => { context.report({ done: result.identified + result.unconfirmed + result.failed + result.skipped, total: result.total, unit: 'models' }) }
    report()
    result.status = await runRefresh(deps, hashed, { ...context, route: ROUTE, onStep (step) { count(result, step, context); report() } })
    if (result.status === 'completed') await followHints(unhashed, result, context, report)
    if (result.status === 'offline') throw new DomainError('unavailable', 'offline', `The providers of metadata can't be reached: offline. ${result.identified} models were identified before`)
    return result
  }

  async function followHints (candidates: readonly Candidate[], result: IdentifyResult, { signal, checkpoint, recordFailure }: JobContext, report: () => void): Promise<void> {
    for (const { metadata, path } of candidates) {
      await checkpoint()
      const model = metadata.sync.library.index.get(path)
      try {
        if (model && model.sha256 === '' && await hints.follow(metadata, model, { signal, route: ROUTE })) result.unconfirmed++
        else result.skipped++
      } catch (error) {
        if (signal.aborted) throw error
        result.failed++
        recordFailure(model?.model_name ?? path, error)
      }
      report()
    }
  }

  return (input) => jobs.start(KIND, input)
}

function count (result: IdentifyResult, step: StepResult, { recordFailure }: JobContext): void {
  if (step.kind === 'updated') result.identified++
  else if (step.kind === 'skipped') result.skipped++
  else {
    result.failed++
    recordFailure(step.name, step.error)
  }
}
