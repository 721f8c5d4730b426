import { isObject } from '../models/read-value.ts'
import type { PageFacts } from './page-facts.ts'
import { integer } from './stored-lora.ts'

type Params = Readonly<Record<string, unknown>> | null | undefined

export interface TargetSources {
  image: PageFacts | null
  request: Params
  genParams: Params
  checkpoint: Params
}

/** What may name the checkpoint, the surest first, each once. */
export interface CheckpointTargets { versionIds: number[], hashes: string[] }

const HASH = /^(?:0x)?([0-9a-f]{8,64})$/i
const RESOURCE_KEYS = ['civitaiResources', 'Civitai resources', 'civitai_resources', 'resources']

/** Where the checkpoint of an image may be named (recipes §11.2). */
export function targetsOf ({ image, request, genParams, checkpoint }: TargetSources): CheckpointTargets {
  const sources = [request, image?.meta, genParams].filter((source) => isObject(source))
  const versionIds = [
    checkpoint?.modelVersionId ?? checkpoint?.id,
    image?.versionId,
    ...sources.map((source) => source.modelVersionId),
    ...sources.flatMap((source) => RESOURCE_KEYS.flatMap((key) => checkpointsAmong(source[key])))
  ]
  const hashes = [
    ...sources.flatMap((source) => [source['Model hash'], source.checkpoint_hash, isObject(source.hashes) ? source.hashes.model : undefined]),
    checkpoint?.hash,
    checkpoint?.model_hash,
    ...sources.map((source) => typeof source.Model === 'string' && source.Model.length === 10 ? source.Model : undefined)
  ]
  return {
    versionIds: [...new Set(versionIds.map(integer).filter((id) => id > 0))],
    hashes: [...new Set(hashes.flatMap((hash) => HASH.exec(typeof hash === 'string' ? hash.trim() : '')?.[1]?.toLowerCase() ?? []))]
  }
}

/** Version ids of checkpoints in a list of resources, also given as JSON text. */
function checkpointsAmong (given: unknown): unknown[] {
  const list = typeof given === 'string' ? parsed(given) : given
  if (!Array.isArray(list)) return []
  return list.flatMap((entry: unknown) => isObject(entry) && String(entry.type).toLowerCase() === 'checkpoint' ? [entry.modelVersionId] : [])
}

function parsed (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
