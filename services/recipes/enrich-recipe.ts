import type { CivitaiVersionDocument } from '../civitai/schema.ts'
import type { Outcome } from '../civitai/types.ts'
import { isObject } from '../models/read-value.ts'
import type { PageFacts } from './page-facts.ts'
import { mergeGenParams } from './gen-params.ts'
import type { GenParams } from './parsers/types.ts'
import type { VersionLookups } from './resolve-types.ts'
import { integer } from './stored-lora.ts'
import { targetsOf } from './checkpoint-target.ts'

type Entry = Readonly<Record<string, unknown>>

/** The parts of a recipe that are completed. */
export interface EnrichedParts {
  gen_params: GenParams
  checkpoint: Record<string, unknown> | null
  base_model: string
}

export interface EnrichInput {
  gen_params: Entry
  /** In whatever form a recipe or an analysis has it; null without one. */
  checkpoint: Entry | null
  base_model: string
  /** What CivitAI says of the image, null for nothing. */
  image: PageFacts | null
  /** Parameters that whoever asks wants. */
  request?: Entry | null | undefined
}

/** Base models that say little; what the checkpoint's version says is better. */
const generic: ReadonlySet<string> = new Set(['', 'flux', 'sdxl', 'sd15'])
/** Each costs a request. */
const MOST_TARGETS = 3

/**
 * Completes parameters, checkpoint and base model with what CivitAI knows (recipes §11.2). Never fails for what others answer:
 * what can't be had stays as it is.
 */
export async function enrichRecipe (versions: VersionLookups, input: EnrichInput): Promise<EnrichedParts> {
  const { image } = input
  const merged = mergeGenParams({ embedded: input.gen_params, civitai: image?.meta, request: input.request })
  const parts: EnrichedParts = { gen_params: merged, checkpoint: input.checkpoint, base_model: input.base_model }
  if (isComplete(input.checkpoint)) return parts
  const { versionIds, hashes } = targetsOf({ image, request: input.request, genParams: input.gen_params, checkpoint: input.checkpoint })
  const version = await findCheckpoint(versions, versionIds, hashes)
  if (!version) return { ...parts, checkpoint: named(input) }
  const base = version.baseModel ?? ''
  return {
    gen_params: merged,
    checkpoint: { ...input.checkpoint, ...describe(version) },
    base_model: base !== '' && generic.has(input.base_model.toLowerCase()) ? base : input.base_model
  }
}

/** A name and a version id are all that is looked for. */
function isComplete (checkpoint: Entry | null): boolean {
  if (!checkpoint) return false
  const name = checkpoint.name || checkpoint.modelName
  return typeof name === 'string' && integer(checkpoint.modelVersionId ?? checkpoint.id) > 0
}

async function findCheckpoint (versions: VersionLookups, versionIds: readonly number[], hashes: readonly string[]): Promise<CivitaiVersionDocument | null> {
  const questions = [...versionIds.map((id) => async () => await versions.version(id)), ...hashes.map((hash) => async () => await versions.versionByHash(hash))]
  for (const question of questions.slice(0, MOST_TARGETS)) {
    const outcome: Outcome<CivitaiVersionDocument> = await question()
    if (outcome.kind === 'found' && isCheckpoint(outcome.value)) return outcome.value
  }
  return null
}

/** The version of a LoRA never becomes a checkpoint. */
function isCheckpoint ({ model }: CivitaiVersionDocument): boolean {
  return ['checkpoint', 'diffusion_model', 'diffusionmodel'].includes(model?.type?.toLowerCase() ?? '')
}

function describe (version: CivitaiVersionDocument): Record<string, unknown> {
  const name = version.model?.name
  return {
    type: 'checkpoint',
    id: version.id,
    modelVersionId: version.id,
    ...(version.modelId !== undefined && { modelId: version.modelId }),
    ...(name !== undefined && { name, modelName: name }),
    ...(version.name !== undefined && { version: version.name, modelVersionName: version.name }),
    ...(version.baseModel && { baseModel: version.baseModel })
  }
}

/** Nobody knows it: at least its name is kept where one is told. */
function named (input: EnrichInput): Record<string, unknown> | null {
  const { checkpoint, request, image } = input
  if (checkpoint?.modelName) return { ...checkpoint }
  const sources: unknown[] = [checkpoint?.name, ...[request, image?.meta, input.gen_params].flatMap((source) => isObject(source) ? [source.Checkpoint, source.checkpoint] : [])]
  const name = sources.find((value) => typeof value === 'string' && value.trim() !== '')
  return typeof name === 'string' ? { type: 'checkpoint', ...checkpoint, name, modelName: name } : checkpoint && { ...checkpoint }
}
