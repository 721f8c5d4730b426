import { LRUCache } from 'lru-cache'
import type { Corpus } from './corpus.ts'
import { subTypeOf } from './sub-type.ts'
import { autoTagsOf } from '../auto-tags.ts'
import { previewUrl } from '../preview-url.ts'
import type { IndexedModel } from '../entry.ts'

/** How many models' texts are kept ready. */
const MOST_ITEMS = 8000

/** Facts that are not the entry's own. */
export interface ItemFacts {
  usageCount: number
  updateAvailable: boolean
  versionCount: number | null
}

/** Writes list items (models §1.2) as JSON. The parts that are the entry's own are kept for the models last seen. */
export interface ItemWriter {
  /** Appends the item in pieces; false (and nothing) for a corrupt entry. */
  write (slot: number, facts: ItemFacts, into: string[]): boolean
  forget (slot: number): void
  clear (): void
}

/** Text before, between and behind usage count, update flag and version count. */
type Parts = readonly [string, string, string, string]

export function createItemWriter (corpus: Corpus, isOffline: (rootId: string) => boolean): ItemWriter {
  /** Made for the first item: it takes all its room at once, and most indexes are never listed. */
  let known: LRUCache<number, Parts> | null = null

  const partsOf = (slot: number): Parts | null => {
    known ??= new LRUCache<number, Parts>({ max: MOST_ITEMS })
    const ready = known.get(slot)
    if (ready) return ready
    const model = corpus.model(slot)
    if (!model || typeof model.file_path !== 'string') return null
    const parts = itemParts(model, corpus, slot, isOffline(model.root_id))
    known.set(slot, parts)
    return parts
  }

  return {
    write: (slot, facts, into) => {
      const parts = partsOf(slot)
      if (!parts) return false
      into.push(parts[0], String(facts.usageCount), parts[1], facts.updateAvailable ? 'true' : 'false', parts[2], facts.versionCount === null ? 'null' : String(facts.versionCount), parts[3])
      return true
    },
    forget: (slot) => { known?.delete(slot) },
    clear: () => { known?.clear() }
  }
}

function itemParts (model: IndexedModel, corpus: Corpus, slot: number, offline: boolean): Parts {
  const open = (value: object): string => JSON.stringify(value).slice(0, -1)
  const rest = (value: object): string => JSON.stringify(value).slice(1)
  const head = open({
    model_name: model.model_name || model.file_name || '',
    file_name: model.file_name ?? '',
    preview_url: previewUrl(wellFormed(model.preview_url ?? '')),
    preview_nsfw_level: model.preview_nsfw_level ?? 0,
    base_model: model.base_model,
    folder: model.folder,
    sha256: model.sha256 ?? '',
    file_path: model.file_path,
    file_size: model.size,
    modified: model.modified ?? '',
    tags: model.tags,
    from_civitai: model.from_civitai ?? true
  })
  const middle = rest({
    ...(corpus.type.name === 'lora' ? { usage_tips: model.usage_tips ?? '' } : {}),
    notes: model.notes ?? '',
    favorite: model.favorite ?? false,
    exclude: model.exclude ?? false
  }).slice(0, -1)
  const behind = rest({
    skip_metadata_refresh: model.skip_metadata_refresh ?? false,
    sub_type: subTypeOf(model, corpus.type),
    civitai: slimCivitai(model),
    auto_tags: autoTagsOf(corpus.autoTags(slot))
  }).slice(0, -1)
  const tail = rest({
    hf_url: model.hf_url ?? '',
    ...(model.preview_url && model.preview_version ? { preview_version: model.preview_version } : {}),
    ...(offline ? { offline: true } : {})
  })
  // Joined rather than added up, so that what is kept is one flat string each.
  return [[head, ',"usage_count":'].join(''), [',', middle, ',"update_available":'].join(''), [',', behind, ',"version_count":'].join(''), [',', tail].join('')]
}

/** A file name of Windows may hold half a surrogate pair, which no address can. */
const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd')

/** Present keys only. */
function slimCivitai ({ civitai }: IndexedModel): object {
  if (!civitai) return {}
  const { id, modelId, name, trainedWords } = civitai
  const slim: Record<string, unknown> = {}
  for (const [key, value] of Object.entries({ id, modelId, name, trainedWords })) if (value !== undefined && value !== null) slim[key] = value
  return slim
}
