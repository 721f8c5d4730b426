import type { HashStatus, IndexedModel, SlimCivitai } from './entry.ts'
import { StoredCivitai, StoredHashes } from './stored-parts.ts'
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
  /** The sidecar's bytes follow later; until then the file itself answers for them. */
  sidecarLater?: boolean
  /** Made from the file alone: nothing of the user's is in it, so what a vanished twin knew may be carried over. */
  bare: boolean
  /** The sidecar wants to be written: it is missing, or what it says was completed or corrected. */
  due: boolean
}

type Cell = string | number | null | Uint8Array
export type RawRow = Cell[]

/** What of an entry repeats from model to model: stored as one text, so that equal ones are read once. */
type Traits = Pick<IndexedModel,
  'base_model' | 'preview_nsfw_level' | 'usage_tips' | 'metadata_source' | 'hf_url' | 'license_flags' | 'metadata_error' |
  'from_civitai' | 'favorite' | 'exclude' | 'db_checked' | 'civitai_deleted' | 'skip_metadata_refresh'> &
  { sub_type?: string, remote: { type: string } | null }

function traitsText (model: Omit<IndexedModel, 'id'>): string {
  return JSON.stringify([
    model.base_model, model.preview_nsfw_level, model.usage_tips, model.metadata_source, model.hf_url, model.license_flags, model.metadata_error,
    Number(model.from_civitai), Number(model.favorite), Number(model.exclude), Number(model.db_checked), Number(model.civitai_deleted), Number(model.skip_metadata_refresh),
    model.sub_type ?? null, model.civitai?.model?.type ?? null
  ])
}

function readTraits (text: string): Traits {
  const [base, level, tips, source, repository, license, problem, fromCivitai, favorite, exclude, checked, deleted, skip, subType, remoteType] = JSON.parse(text) as [
    string, number, string, string | null, string, number, string, number, number, number, number, number, number, string | null, string | null]
  return {
    base_model: base,
    preview_nsfw_level: level,
    usage_tips: tips,
    metadata_source: source,
    hf_url: repository,
    license_flags: license,
    metadata_error: problem,
    from_civitai: fromCivitai === 1,
    favorite: favorite === 1,
    exclude: exclude === 1,
    db_checked: checked === 1,
    civitai_deleted: deleted === 1,
    skip_metadata_refresh: skip === 1,
    ...(subType !== null && { sub_type: subType }),
    remote: remoteType === null ? null : Object.freeze({ type: remoteType })
  }
}

/** Values of the columns type, entryColumns without id, factColumns. */
export function toCells (row: StoredModel): Cell[] {
  const { model, facts, bare, due } = row
  const civitai = model.civitai
  return [
    model.type, model.root_id, model.file_path, model.file_name, model.model_name === model.file_name ? null : model.model_name, model.folder,
    model.size, model.modified, model.sha256, model.autov3, model.preview_url, model.preview_version, model.hash_status, traitsText(model), model.notes, model.last_checked_at,
    JSON.stringify(model.tags), civitai?.id ?? null, civitai?.modelId ?? null, civitai?.name ?? null, civitai?.creator?.username ?? null,
    civitai?.trainedWords ? JSON.stringify(civitai.trainedWords) : null, model.other_hashes ? JSON.stringify(model.other_hashes) : null,
    facts.file_size, facts.file_mtime, facts.file_inode, facts.file_dev, facts.sidecar_size, facts.sidecar_mtime, facts.info_mtime, facts.preview_size, facts.preview_mtime,
    Number(bare), Number(due), Number(row.sidecarLater !== true)
  ]
}

/**
 * Turns rows into entries. One reader serves one load: texts that repeat (folders, base models, tags) become one string,
 * which is what keeps 100,000 entries small.
 */
export function createRowReader (type: ModelTypeName): (row: RawRow) => IndexedModel {
  const texts = new Map<string, string>()
  const traits = new Map<string, Traits>()
  const creators = new Map<string, { username: string }>()
  const shared = (text: string): string => {
    const known = texts.get(text)
    if (known !== undefined) return known
    texts.set(text, text)
    return text
  }
  const traitsOf = (text: string): Traits => {
    const known = traits.get(text)
    if (known) return known
    const read = readTraits(text)
    traits.set(text, read)
    return read
  }
  const creatorOf = (username: string): { username: string } => {
    const known = creators.get(username)
    if (known) return known
    const creator = Object.freeze({ username })
    creators.set(username, creator)
    return creator
  }
  const tagsOf = (text: string): string[] => {
    // Most lists are plain; what is escaped takes the long way.
    const tags = text.includes('\\') ? JSON.parse(text) as string[] : text.slice(2, -2).split('","')
    for (let i = 0; i < tags.length; i++) tags[i] = sharedPiece(tags[i] as string)
    return tags
  }
  /** A piece cut out of a text holds on to the whole of it: the one that is kept is made anew. */
  const sharedPiece = (piece: string): string => {
    const known = texts.get(piece)
    if (known !== undefined) return known
    const own = Buffer.from(piece).toString()
    texts.set(own, own)
    return own
  }
  return (row) => {
    const common = traitsOf(row[13] as string)
    const fileName = row[3] as string
    const status = row[12] as HashStatus
    const tags = row[16] as string
    const model: IndexedModel = {
      id: row[0] as number,
      type,
      root_id: shared(row[1] as string),
      file_path: row[2] as string,
      file_name: fileName,
      model_name: (row[4] ?? fileName) as string,
      folder: shared(row[5] as string),
      size: row[6] as number,
      modified: row[7] as number,
      sha256: row[8] as string,
      autov3: row[9] as string | null,
      base_model: common.base_model,
      preview_url: row[10] as string,
      preview_nsfw_level: common.preview_nsfw_level,
      from_civitai: common.from_civitai,
      favorite: common.favorite,
      notes: row[14] as string,
      usage_tips: common.usage_tips,
      metadata_source: common.metadata_source,
      exclude: common.exclude,
      db_checked: common.db_checked,
      last_checked_at: row[15] as number,
      tags: tags === '[]' ? [] : tagsOf(tags),
      civitai: civitaiOf(row, common.remote),
      civitai_deleted: common.civitai_deleted,
      skip_metadata_refresh: common.skip_metadata_refresh,
      hf_url: common.hf_url,
      license_flags: common.license_flags,
      // Interrupted hashing is hashing not done yet.
      hash_status: status === 'calculating' ? 'pending' : shared(status) as HashStatus,
      preview_version: row[11] as string,
      metadata_error: common.metadata_error,
      other_hashes: row[22] === null ? null : new StoredHashes(row[22] as string)
    }
    if (common.sub_type !== undefined) model.sub_type = common.sub_type
    return model
  }

  function civitaiOf (row: RawRow, remote: { type: string } | null): SlimCivitai | null {
    const name = row[19] as string | null
    const creator = row[20] as string | null
    const words = row[21] as string | null
    if (row[17] === null && row[18] === null && name === null && creator === null && words === null && remote === null) return null
    return new StoredCivitai(row[17] as number | null, row[18] as number | null, name === null ? null : shared(name), creator === null ? null : creatorOf(creator), words, remote) as SlimCivitai
  }
}
