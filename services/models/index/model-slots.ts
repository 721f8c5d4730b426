import type { IndexedModel, OtherHashes } from '../entry.ts'
import { packedHashes, packedTags, packedText, packedTexts, unpackModel } from '../packed-model.ts'
import type { ModelTypeName } from '../types.ts'

export type ModelText = 'file_path' | 'file_name' | 'model_name' | 'sha256' | 'autov3'

/** The models themselves, by slot: as the text they came in, or as objects. */
export interface ModelSlots {
  /** Slots that were ever in use. */
  readonly length: number
  has (slot: number): boolean
  model (slot: number): IndexedModel | undefined
  /** One text of the model in a slot, without making the whole of a packed one; "" without. */
  text (slot: number, member: ModelText): string
  otherHashes (slot: number): OtherHashes | null
  /** What of a model is searched, with the members it has in common with an entry. */
  words (slot: number): ReturnType<typeof packedTexts> | IndexedModel | undefined
  /** What beside its names a model is labelled by. */
  labels (slot: number): { version: string, tags: readonly string[] }
  /** The tags that the model was put with; `model` is the one in the slot. */
  tagsOf (slot: number, model: IndexedModel): readonly string[]
  /** A model, or its text, with the tags of it. */
  put (slot: number, model: IndexedModel | string, tags: readonly string[]): void
  drop (slot: number): void
}

export function createModelSlots (type: ModelTypeName, idOf: (slot: number) => number): ModelSlots {
  const models: (IndexedModel | string | undefined)[] = []
  /** Tags of models that are objects, as they were put: an object may be changed in place. */
  const tagLists = new Map<number, readonly string[]>()

  return {
    get length () { return models.length },
    has: (slot) => models[slot] !== undefined,
    model (slot) {
      const one = models[slot]
      return typeof one === 'string' ? unpackModel({ id: idOf(slot), packed: one }, type) : one
    },
    text (slot, member) {
      const one = models[slot]
      if (typeof one === 'string') return packedText(one, member)
      const own = one?.[member]
      // A corrupt entry may hold anything.
      return typeof own === 'string' ? own : ''
    },
    otherHashes (slot) {
      const one = models[slot]
      return typeof one === 'string' ? packedHashes(one) : one?.other_hashes ?? null
    },
    words (slot) {
      const one = models[slot]
      return typeof one === 'string' ? packedTexts(one) : one
    },
    labels (slot) {
      const one = models[slot]
      return typeof one === 'string'
        ? { version: packedText(one, 'civitai_name'), tags: packedTags(one) }
        : { version: one?.civitai?.name ?? '', tags: one?.tags ?? [] }
    },
    tagsOf: (slot, model) => tagLists.get(slot) ?? model.tags,
    put (slot, model, tags) {
      models[slot] = model
      if (typeof model === 'string') tagLists.delete(slot)
      else tagLists.set(slot, tags)
    },
    drop (slot) {
      models[slot] = undefined
      tagLists.delete(slot)
    }
  }
}
