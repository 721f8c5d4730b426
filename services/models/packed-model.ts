import type { HashStatus, IndexedModel, OtherHashes, SlimCivitai } from './entry.ts'
import { stemOf } from './file-set.ts'
import { traitsOf, traitsText } from './packed-traits.ts'
import { StoredCivitai, StoredHashes } from './stored-parts.ts'
import type { ModelTypeName } from './types.ts'

/**
 * An entry as one text, as it is stored and as an index keeps it: 100,000 objects of thirty members each would take twice the
 * memory, and most of the time of a start to make. Members stand in a fixed order behind one another.
 */
export interface PackedModel {
  id: number
  packed: string
}

/** Members in their order: those that are read alone, for all models, come first. */
const MEMBERS = [
  'file_path', 'root_id', 'file_name', 'model_name', 'folder', 'tags', 'civitai_creator', 'civitai_name', 'sha256', 'autov3', 'other_hashes', 'traits',
  'size', 'modified', 'preview_url', 'preview_version', 'hash_status', 'notes', 'last_checked_at', 'civitai_id', 'civitai_model_id', 'civitai_trained_words'
] as const
type Member = typeof MEMBERS[number]
const placeOf = Object.fromEntries(MEMBERS.map((name, place) => [name, place])) as Record<Member, number>

/** Control characters that names hardly hold; where one does, it is written as two. */
const BETWEEN = '\x1f'
const ESCAPE = '\x1e'
/** Stands for what is derived from the members before it, and for null. */
const USUAL = ''
const SAME = '='
const ABSENT = '-'

const escaped = (text: string): string => text.includes(BETWEEN) || text.includes(ESCAPE) ? text.replaceAll(ESCAPE, `${ESCAPE}0`).replaceAll(BETWEEN, `${ESCAPE}1`) : text
const unescaped = (text: string): string => text.replaceAll(`${ESCAPE}1`, BETWEEN).replaceAll(`${ESCAPE}0`, ESCAPE)

type Unnumbered = Omit<IndexedModel, 'id'>

export function packModel (model: Unnumbered): string {
  const { civitai } = model
  return [
    model.file_path,
    model.root_id,
    unlessUsual(model.file_name, usualName(model.file_path)),
    unlessUsual(model.model_name, model.file_name),
    model.folder,
    model.tags.length === 0 ? USUAL : JSON.stringify(model.tags),
    civitai?.creator?.username ?? '',
    civitai?.name ?? '',
    model.sha256,
    model.autov3 === null ? USUAL : model.autov3 || ABSENT,
    model.other_hashes ? JSON.stringify(model.other_hashes) : '',
    traitsText(model),
    String(model.size),
    String(model.modified),
    shortPreview(model),
    model.preview_version,
    model.hash_status,
    model.notes,
    String(model.last_checked_at),
    numberText(civitai?.id),
    numberText(civitai?.modelId),
    civitai?.trainedWords ? JSON.stringify(civitai.trainedWords) : ''
  ].map(escaped).join(BETWEEN)
}

const usualName = (path: string): string => stemOf(path.slice(path.lastIndexOf('/') + 1))
const unlessUsual = (text: string, usual: string): string => text === usual ? USUAL : SAME + text
const numberText = (value: number | undefined): string => value === undefined ? '' : String(value)

/** Nearly every preview lies beside its model under the same name. */
function shortPreview ({ file_path: path, preview_url: preview }: Unnumbered): string {
  if (preview === '') return USUAL
  const stem = stemPath(path)
  return preview.startsWith(stem) ? ABSENT + preview.slice(stem.length) : SAME + preview
}

const stemPath = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1) + usualName(path)

function longPreview (text: string, path: string): string {
  if (text === USUAL) return ''
  return text.startsWith(ABSENT) ? stemPath(path) + text.slice(1) : text.slice(1)
}

/** One member of a packed entry as text: names and paths as they are, the others as they are stored. */
export function packedText (packed: string, member: Member): string {
  const text = memberAt(packed, placeOf[member])
  switch (member) {
    case 'file_name': return text === USUAL ? usualName(memberAt(packed, 0)) : text.slice(1)
    case 'model_name': return text === USUAL ? packedText(packed, 'file_name') : text.slice(1)
    case 'autov3': return text === ABSENT ? '' : text
    default: return text
  }
}

function memberAt (packed: string, place: number): string {
  let from = 0
  for (let i = 0; i < place; i++) from = packed.indexOf(BETWEEN, from) + 1
  const end = packed.indexOf(BETWEEN, from)
  const text = packed.slice(from, end < 0 ? packed.length : end)
  return text.includes(ESCAPE) ? unescaped(text) : text
}

export function packedHashes (packed: string): OtherHashes | null {
  const text = memberAt(packed, placeOf.other_hashes)
  return text === '' ? null : new StoredHashes(text)
}

/** What of a packed entry is searched. */
export function packedTexts (packed: string): SearchedTexts {
  const creator = packedText(packed, 'civitai_creator')
  return {
    file_name: packedText(packed, 'file_name'),
    model_name: packedText(packed, 'model_name'),
    tags: tagsOf(packedText(packed, 'tags')),
    civitai: creator === '' ? null : { creator: { username: creator } }
  }
}

export type SearchedTexts = Pick<IndexedModel, 'file_name' | 'model_name' | 'tags' | 'civitai'>

export const packedTags = (packed: string): string[] => tagsOf(packedText(packed, 'tags'))

/** The entry itself, made anew at each call. */
export function unpackModel ({ id, packed }: PackedModel, type: ModelTypeName): IndexedModel {
  const split = packed.split(BETWEEN)
  const [
    path = '', root = '', name, title, folder = '', tags, creator, civitaiName, sha256 = '', autov3, hashes, repeated, size, modified, preview, previewVersion = '',
    status, notes = '', checked, civitaiId, civitaiModelId, words
  ] = packed.includes(ESCAPE) ? split.map(unescaped) : split
  const traits = traitsOf(repeated ?? '')
  const fileName = name ? name.slice(1) : usualName(path)
  const model: IndexedModel = {
    id,
    type,
    root_id: root,
    file_path: path,
    file_name: fileName,
    model_name: title ? title.slice(1) : fileName,
    folder,
    size: Number(size),
    modified: Number(modified),
    sha256,
    autov3: autov3 === USUAL ? null : autov3 === ABSENT ? '' : autov3 ?? null,
    base_model: traits.base_model,
    preview_url: longPreview(preview ?? '', path),
    preview_nsfw_level: traits.preview_nsfw_level,
    from_civitai: traits.from_civitai,
    favorite: traits.favorite,
    notes,
    usage_tips: traits.usage_tips,
    metadata_source: traits.metadata_source,
    exclude: traits.exclude,
    db_checked: traits.db_checked,
    last_checked_at: Number(checked),
    tags: tagsOf(tags ?? ''),
    civitai: civitaiOf({ id: civitaiId, modelId: civitaiModelId, name: civitaiName, creator, words, remote: traits.remote }),
    civitai_deleted: traits.civitai_deleted,
    skip_metadata_refresh: traits.skip_metadata_refresh,
    hf_url: traits.hf_url,
    license_flags: traits.license_flags,
    // Interrupted hashing is hashing not done yet.
    hash_status: status === 'calculating' ? 'pending' : status as HashStatus,
    preview_version: previewVersion,
    metadata_error: traits.metadata_error,
    other_hashes: hashes ? new StoredHashes(hashes) : null
  }
  if (traits.sub_type !== undefined) model.sub_type = traits.sub_type
  return model
}

/** What an index has to know of an entry to find and to order it. */
export type EntryFacts = Pick<IndexedModel,
  'id' | 'root_id' | 'file_path' | 'file_name' | 'model_name' | 'folder' | 'tags' | 'size' | 'modified' | 'base_model' | 'preview_nsfw_level' |
  'favorite' | 'exclude' | 'license_flags' | 'hf_url' | 'sub_type' | 'civitai'>

/** Where each member ends, of the text that was looked at last. */
const ends = new Uint32Array(MEMBERS.length)

function findEnds (packed: string): void {
  let from = 0
  for (let place = 0; place < ends.length; place++) {
    const end = from === 0 && place > 0 ? -1 : packed.indexOf(BETWEEN, from)
    ends[place] = end < 0 ? packed.length : end
    from = end + 1
  }
}

/** The facts of a packed entry, for a third of what the whole of it costs: a start makes them for all models. */
export function packedFacts ({ id, packed }: PackedModel): EntryFacts {
  findEnds(packed)
  const escapes = packed.includes(ESCAPE)
  const member = (name: Member): string => {
    const place = placeOf[name]
    const text = packed.slice(place === 0 ? 0 : (ends[place - 1] as number) + 1, ends[place])
    return escapes ? unescaped(text) : text
  }
  const path = member('file_path')
  const name = member('file_name')
  const title = member('model_name')
  const fileName = name === USUAL ? usualName(path) : name.slice(1)
  const traits = traitsOf(member('traits'))
  const facts: EntryFacts = {
    id,
    root_id: member('root_id'),
    file_path: path,
    file_name: fileName,
    model_name: title === USUAL ? fileName : title.slice(1),
    folder: member('folder'),
    tags: tagsOf(member('tags')),
    size: Number(member('size')),
    modified: Number(member('modified')),
    base_model: traits.base_model,
    preview_nsfw_level: traits.preview_nsfw_level,
    favorite: traits.favorite,
    exclude: traits.exclude,
    license_flags: traits.license_flags,
    hf_url: traits.hf_url,
    civitai: civitaiOf({ id: member('civitai_id'), modelId: member('civitai_model_id'), name: '', creator: member('civitai_creator'), words: '', remote: traits.remote })
  }
  if (traits.sub_type !== undefined) facts.sub_type = traits.sub_type
  return facts
}

function tagsOf (text: string): string[] {
  if (text === USUAL) return []
  // Most lists are plain; what is escaped takes the long way.
  return text.includes('\\') ? JSON.parse(text) as string[] : text.slice(2, -2).split('","')
}

interface CivitaiCells { id: string | undefined, modelId: string | undefined, name: string | undefined, creator: string | undefined, words: string | undefined, remote: { type: string } | null }

function civitaiOf ({ id, modelId, name, creator, words, remote }: CivitaiCells): SlimCivitai | null {
  if (!id && !modelId && !name && !creator && !words && remote === null) return null
  return new StoredCivitai(id ? Number(id) : null, modelId ? Number(modelId) : null, name || null, creator ? { username: creator } : null, words || null, remote) as SlimCivitai
}
