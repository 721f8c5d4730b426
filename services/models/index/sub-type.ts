import type { IndexedModel } from '../entry.ts'
import type { ModelType } from '../types.ts'

/** Sub-type as lists show and filter it, lower-cased: the entry's own, for LoRAs CivitAI's type of the model, else the default. */
export function subTypeOf (model: Pick<IndexedModel, 'sub_type' | 'civitai'>, type: ModelType): string {
  const remote = type.name === 'lora' ? model.civitai?.model?.type : undefined
  return (model.sub_type || remote || type.defaultSubType).toLowerCase()
}
