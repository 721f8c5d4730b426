import { mergeGenParams } from './gen-params.ts'
import { checkpointOf } from './read-image.ts'
import type { ResolvedImage } from './resolve-types.ts'

/**
 * One picture of what the file says and what CivitAI says of it (recipes §9.4): CivitAI's word counts, and where it names no LoRAs,
 * the file's LoRAs and models with all that belongs to them.
 */
export function mergeReadings (embedded: ResolvedImage | null, remote: ResolvedImage | null): ResolvedImage | null {
  if (!embedded || !remote) return remote ?? embedded
  const merged: ResolvedImage = { ...remote, gen_params: mergeGenParams({ embedded: embedded.gen_params, civitai: remote.gen_params }) }
  if (remote.loras.length > 0) return merged
  const checkpoint = checkpointOf(embedded) ?? checkpointOf(remote)
  return {
    ...embedded,
    ...merged,
    loras: embedded.loras,
    base_model: embedded.base_model ?? remote.base_model,
    checkpoint,
    model: checkpoint
  }
}
