import type { CivitaiClient, Failure } from '../civitai/types.ts'
import type { DomainError } from '../errors.ts'
import { createSlices } from '../jobs/slices.ts'
import type { JobContext } from '../jobs/types.ts'
import type { ModelTypeName } from '../models/types.ts'
import type { CallOptions } from '../network/types.ts'
import type { ProviderChain } from '../providers/types.ts'
import { askModel } from './ask-model.ts'
import type { RecordKeeper } from './keeper.ts'
import { refusalOf } from './refusal.ts'
import type { RemoteVersion } from './remote-versions.ts'
import { tellUsage } from './usage-control.ts'

/** `given-up`: a rate limit or being offline, since what is left would fare no better; what was learnt before is kept. */
export type CheckEnd = { kind: 'completed' | 'cancelled' } | { kind: 'given-up', error: DomainError }

export interface CheckRunDeps {
  civitai: Pick<CivitaiClient, 'models' | 'versionsByHash'>
  chain: Pick<ProviderChain, 'order' | 'modelVersions'>
  keeper: RecordKeeper
  /** Records of these models were written. */
  onWritten (type: ModelTypeName, modelIds: readonly number[]): void
}

export interface CheckRunOptions extends Pick<JobContext, 'signal' | 'checkpoint'> {
  type: ModelTypeName
  onStep (step: { modelId: number, error?: string }): void
}

const MODELS_A_CALL = 100
/** A host that asks for patience is given it, up to this; longer pauses are for the user to choose. */
const PATIENCE_MS = 2 * 60 * 1000

/** Asks for models one bulk request after the other, and for those that it leaves out one by one; each record is written as it comes. */
export async function runCheck (deps: CheckRunDeps, modelIds: readonly number[], options: CheckRunOptions): Promise<CheckEnd> {
  try {
    for (let at = 0; at < modelIds.length; at += MODELS_A_CALL) {
      await options.checkpoint()
      const end = await checkPart(deps, modelIds.slice(at, at + MODELS_A_CALL), options)
      if (end) return end
    }
    return { kind: 'completed' }
  } catch (error) {
    if (!options.signal.aborted) throw error
    return { kind: 'cancelled' }
  }
}

async function checkPart (deps: CheckRunDeps, part: readonly number[], options: CheckRunOptions): Promise<CheckEnd | null> {
  const { civitai, keeper } = deps
  const { type } = options
  const call = { signal: options.signal, patienceMs: PATIENCE_MS }
  const answer = await civitai.models(part, call)
  if (answer.kind !== 'found') return gaveUp(answer, part, options)
  const slice = createSlices()
  const listed = new Map<number, RemoteVersion[]>()
  for (const [id, { modelVersions = [] }] of answer.value) {
    listed.set(id, keeper.read(modelVersions))
    await slice()
  }
  await tellUsage(civitai, [...listed].map(([id, remote]) => ({ record: keeper.current(type, id), remote })), call)
  const written: number[] = []
  try {
    for (const modelId of part) {
      await options.checkpoint()
      const remote = listed.get(modelId)
      const end = remote ? take(deps, options, modelId, remote) : await checkOne(deps, modelId, options, call)
      if (end) return end
      written.push(modelId)
      await slice()
    }
    return null
  } finally {
    deps.onWritten(type, written)
  }
}

function take ({ keeper }: CheckRunDeps, { type, onStep }: CheckRunOptions, modelId: number, remote: readonly RemoteVersion[], archive = false): null {
  keeper.save(keeper.merged(type, modelId, remote, archive))
  onStep({ modelId })
  return null
}

/** The bulk answer leaves out models that are gone: only the model's own address tells. */
async function checkOne (deps: CheckRunDeps, modelId: number, options: CheckRunOptions, call: CallOptions): Promise<CheckEnd | null> {
  const { keeper, chain, civitai } = deps
  const { type, onStep } = options
  const answer = await askModel(chain, modelId, call)
  if (answer.kind === 'found') {
    const remote = keeper.read(answer.versions)
    if (!answer.archive) await tellUsage(civitai, [{ record: keeper.current(type, modelId), remote }], call)
    return take(deps, options, modelId, remote, answer.archive)
  }
  if (answer.kind !== 'not-found') return gaveUp(answer, [modelId], options)
  keeper.save(keeper.missing(type, modelId))
  onStep({ modelId, error: `CivitAI no longer has model ${modelId}` })
  return null
}

/** What others would meet too ends the run; anything else is a failure of these models alone. */
function gaveUp (failure: Failure, modelIds: readonly number[], { onStep }: CheckRunOptions): CheckEnd | null {
  if (failure.kind === 'not-found') return null
  const error = refusalOf(failure, modelIds.length === 1 ? `model ${modelIds[0]}` : `${modelIds.length} models`)
  if (error.kind !== 'failed') return { kind: 'given-up', error }
  for (const modelId of modelIds) onStep({ modelId, error: error.message })
  return null
}
