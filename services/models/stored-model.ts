import type { HashStatus, IndexedModel, OtherHashes, SlimCivitai } from './entry.ts'
import type { ModelTypeName } from './types.ts'

/** What a model's files looked like when its row was made. Times are `mtimeMs`, compared by equality only. */
export interface FileFacts {
  file_size: number
  file_mtime: number
  file_inode: number
  file_dev: number
  /** null: there is no sidecar. */
  sidecar_size: number | null
  sidecar_mtime: number | null
  /** null: there is no `.civitai.info`. */
  info_mtime: number | null
  preview_size: number | null
  preview_mtime: number | null
}

/** A row as it is written. */
export interface StoredModel {
  model: Omit<IndexedModel, 'id'>
  facts: FileFacts
  /** Bytes of the sidecar as read, or null. */
  sidecar: Uint8Array | null
  /** Made from the file alone: nothing of the user's is in it, so what a vanished twin knew may be carried over. */
  bare: boolean
  /** The sidecar wants to be written: it is missing, or what it says was completed or corrected. */
  due: boolean
}

type Cell = string | number | null | Uint8Array
export type RawRow = Cell[]

/** Values of the columns type, entryColumns without id, factColumns. */
export function toCells ({ model, facts, bare, due }: StoredModel): Cell[] {
  const civitai = model.civitai
  return [
    model.type, model.root_id, model.file_path, model.file_name, model.model_name, model.folder, model.size, model.modified, model.sha256, model.autov3, model.base_model,
    model.preview_url, model.preview_nsfw_level, Number(model.from_civitai), Number(model.favorite), model.notes, model.usage_tips, model.metadata_source, Number(model.exclude),
    Number(model.db_checked), model.last_checked_at, JSON.stringify(model.tags), civitai?.id ?? null, civitai?.modelId ?? null, civitai?.name ?? null, civitai?.creator?.username ?? null,
    civitai?.trainedWords ? JSON.stringify(civitai.trainedWords) : null, civitai?.model?.type ?? null, Number(model.civitai_deleted), Number(model.skip_metadata_refresh), model.hf_url, model.license_flags,
    model.sub_type ?? null, model.hash_status, model.preview_version, model.metadata_error, model.other_hashes ? JSON.stringify(model.other_hashes) : null,
    facts.file_size, facts.file_mtime, facts.file_inode, facts.file_dev, facts.sidecar_size, facts.sidecar_mtime, facts.info_mtime, facts.preview_size, facts.preview_mtime, Number(bare), Number(due)
  ]
}

/**
 * Turns rows into entries. One reader serves one load: texts that repeat (folders, base models, tags) become one string,
 * which is what keeps 100,000 entries small.
 */
export function createRowReader (type: ModelTypeName): (row: RawRow) => IndexedModel {
  const texts = new Map<string, string>()
  const lists = new Map<string, string[]>()
  const shared = (text: string): string => {
    const known = texts.get(text)
    if (known !== undefined) return known
    texts.set(text, text)
    return text
  }
  const list = (text: string): string[] => {
    if (text === '[]') return []
    const known = lists.get(text)
    if (known !== undefined) return known
    const values = (JSON.parse(text) as string[]).map(shared)
    lists.set(text, values)
    return values
  }
  return (row) => {
    const [
      id, rootId, filePath, fileName, modelName, folder, size, modified, sha256, autov3, baseModel,
      previewUrl, previewLevel, fromCivitai, favorite, notes, usageTips, metadataSource, exclude,
      dbChecked, lastCheckedAt, tags, civitaiId, civitaiModelId, civitaiName, civitaiCreator,
      civitaiTrainedWords, civitaiModelType, civitaiDeleted, skipRefresh, hfUrl, licenseFlags,
      subType, hashStatus, previewVersion, metadataError, otherHashes
    ] = row
    const model: IndexedModel = {
      id: id as number,
      type,
      root_id: shared(rootId as string),
      file_path: filePath as string,
      file_name: fileName as string,
      model_name: modelName === fileName ? fileName as string : modelName as string,
      folder: shared(folder as string),
      size: size as number,
      modified: modified as number,
      sha256: sha256 as string,
      autov3: autov3 as string | null,
      base_model: shared(baseModel as string),
      preview_url: previewUrl as string,
      preview_nsfw_level: previewLevel as number,
      from_civitai: fromCivitai === 1,
      favorite: favorite === 1,
      notes: notes as string,
      usage_tips: shared(usageTips as string),
      metadata_source: metadataSource === null ? null : shared(metadataSource as string),
      exclude: exclude === 1,
      db_checked: dbChecked === 1,
      last_checked_at: lastCheckedAt as number,
      tags: list(tags as string),
      civitai: civitaiOf(civitaiId, civitaiModelId, civitaiName, civitaiCreator, civitaiTrainedWords, civitaiModelType),
      civitai_deleted: civitaiDeleted === 1,
      skip_metadata_refresh: skipRefresh === 1,
      hf_url: hfUrl as string,
      license_flags: licenseFlags as number,
      // Interrupted hashing is hashing not done yet.
      hash_status: hashStatus === 'calculating' ? 'pending' : shared(hashStatus as string) as HashStatus,
      preview_version: previewVersion as string,
      metadata_error: metadataError as string,
      other_hashes: otherHashes === null ? null : JSON.parse(otherHashes as string) as OtherHashes
    }
    if (subType !== null) model.sub_type = shared(subType as string)
    return model
  }

  function civitaiOf (id: Cell | undefined, modelId: Cell | undefined, name: Cell | undefined, creator: Cell | undefined, trainedWords: Cell | undefined, modelType: Cell | undefined): SlimCivitai | null {
    const civitai: SlimCivitai = {}
    let empty = true
    if (id !== null) { civitai.id = id as number; empty = false }
    if (modelId !== null) { civitai.modelId = modelId as number; empty = false }
    if (name !== null) { civitai.name = shared(name as string); empty = false }
    if (creator !== null) { civitai.creator = { username: shared(creator as string) }; empty = false }
    if (trainedWords !== null) { civitai.trainedWords = JSON.parse(trainedWords as string) as string[]; empty = false }
    if (modelType !== null) { civitai.model = { type: shared(modelType as string) }; empty = false }
    return empty ? null : civitai
  }
}
