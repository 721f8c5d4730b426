import { bitMembers, hasBit, putBit } from './bit-set.ts'
import { createColumns, createFlagSets, makeRoom } from './columns.ts'
import type { Columns, FlagSets } from './columns.ts'
import { createDigestColumn } from './digest-column.ts'
import type { DigestColumn } from './digest-column.ts'
import { createDictionary } from './dictionary.ts'
import type { Dictionary } from './dictionary.ts'
import { createHashTables } from './hash-tables.ts'
import type { HashTables } from './hash-tables.ts'
import { createSlotTable } from './slot-table.ts'
import { createKeyTable } from './key-table.ts'
import type { KeyTable } from './key-table.ts'
import { createModelSlots } from './model-slots.ts'
import type { ModelText } from './model-slots.ts'
import { createOrders } from './orders.ts'
import type { Orders } from './orders.ts'
import { createTagIndex, isTagged } from './tag-index.ts'
import type { TagIndex } from './tag-index.ts'
import { createVocabulary } from './vocabulary.ts'
import type { Vocabulary } from './vocabulary.ts'
import { readModelWords } from './text-search.ts'
import { integerHash, textHash } from './text-hash.ts'
import { groupKey, positiveId } from './group-key.ts'
import { firstLetter } from './first-letter.ts'
import { subTypeOf } from './sub-type.ts'
import { bareStem, relativePathLength } from './model-path.ts'
import { autoTagMask } from '../auto-tags.ts'
import type { IndexedModel } from '../entry.ts'
import type { EntryFacts } from '../packed-model.ts'
import type { ModelType } from '../types.ts'

/** Models in numbered slots with everything that finds them. Queries read it, only `put` and `drop` change it. */
export interface Corpus {
  readonly type: ModelType
  readonly size: number
  /** Slots in use are below it. */
  readonly limit: number
  readonly columns: Columns
  readonly flags: FlagSets
  readonly live: FlagSets['live']
  readonly folders: Dictionary
  readonly bases: Dictionary
  readonly subTypes: Dictionary
  readonly letters: Dictionary
  readonly roots: Dictionary
  readonly tags: TagIndex
  readonly vocabulary: Vocabulary
  readonly orders: Orders
  readonly hashes: HashTables
  readonly digests: DigestColumn
  readonly paths: KeyTable
  readonly stems: KeyTable
  readonly versions: KeyTable
  readonly groups: KeyTable
  model (slot: number): IndexedModel | undefined
  /** One text of the model in a slot, without making the whole of a packed one; "" without. */
  text (slot: number, member: ModelText): string
  slotOf (id: number): number
  /** Number of a group key in the column `group`, 0 when no model has it. */
  groupCode (key: string): number
  /** Mask of the labels that a model's names speak of. */
  autoTags (slot: number): number
  /** Look-ups that are filled when they are first asked. */
  readonly keyTables: readonly KeyTable[]
  put (model: IndexedModel): number
  /** A model of which only its facts were read. */
  put (facts: EntryFacts, packed: string): number
  drop (slot: number): void
}

export function createCorpus (type: ModelType, isBulk: () => boolean = () => false): Corpus {
  const free: number[] = []
  const repositories = new Map<string, number>()
  const columns = createColumns()
  const models = createModelSlots(type.name, (slot) => columns.id[slot] as number)
  const { model, text } = models
  const flags = createFlagSets()
  const ids = createSlotTable()
  const [folders, bases, subTypes, letters, roots] = [createDictionary(), createDictionary(), createDictionary(), createDictionary(), createDictionary()]
  const tags = createTagIndex()
  let size = 0

  const isLive = (slot: number): boolean => slot < columns.capacity && hasBit(flags.live, slot)
  const slots = (): Uint32Array => bitMembers(flags.live)
  const vocabulary = createVocabulary(slots, isLive, (slot, visit) => {
    const one = models.words(slot)
    if (one) readModelWords(one, visit)
  }, isBulk)
  const orders = createOrders({ columns, slots, isLive, isBulk, text })
  const hashes = createHashTables(slots, models)
  const digests = createDigestColumn(slots, (slot) => text(slot, 'sha256'))
  const paths = createKeyTable(slots, (slot) => models.has(slot) ? textHash(text(slot, 'file_path')) : null)
  const stems = createKeyTable(slots, (slot) => models.has(slot) ? textHash(bareStem(text(slot, 'file_name'), type)) : null)
  const versions = createKeyTable(slots, (slot) => models.has(slot) ? numberKey(columns.version[slot] as number) : null)
  const groups = createKeyTable(slots, (slot) => models.has(slot) ? numberKey(columns.group[slot] as number) : null)
  const keyTables = [paths, stems, versions, groups, ...hashes.tables]

  const slotOf = (id: number): number => {
    let slot = ids.first(integerHash(id))
    while (slot >= 0 && columns.id[slot] !== id) slot = ids.next(slot)
    return slot
  }

  const groupCode = (key: string): number => key.startsWith('hf:') ? repositories.get(key) ?? 0 : positiveId(key)

  const codeOf = (one: EntryFacts): number => {
    const key = groupKey(one)
    if (key === null) return 0
    if (key.startsWith('hf:') && !repositories.has(key)) repositories.set(key, -1 - repositories.size)
    return groupCode(key)
  }

  const share = (dictionary: Dictionary, column: Uint32Array, slot: number, text: string, known: boolean): string => {
    const former = column[slot] as number
    if (known && dictionary.text(former) === text) return dictionary.text(former)
    const number = dictionary.retain(text)
    if (known) dictionary.release(former)
    column[slot] = number
    return dictionary.text(number)
  }

  /** Puts the model's shared texts in place of its own, so that equal texts are kept once. */
  const shareTexts = (one: EntryFacts, slot: number, known: boolean): void => {
    one.folder = share(folders, columns.folder, slot, one.folder ?? '', known)
    one.base_model = share(bases, columns.base, slot, one.base_model ?? '', known)
    one.root_id = share(roots, columns.root, slot, one.root_id ?? '', known)
    share(subTypes, columns.subType, slot, subTypeOf(one, type), known)
    share(letters, columns.letter, slot, firstLetter(one.model_name || one.file_name || ''), known)
  }

  const fillColumns = (one: EntryFacts, slot: number): void => {
    columns.id[slot] = one.id
    columns.modified[slot] = one.modified
    columns.size[slot] = one.size
    columns.version[slot] = positiveId(one.civitai?.id)
    columns.group[slot] = codeOf(one)
    columns.autoTags[slot] = UNREAD
    columns.pathLength[slot] = relativePathLength(one)
    ids.put(slot, integerHash(one.id))
    digests.touch(slot)
    for (let i = 0; i < keyTables.length; i++) keyTables[i]?.touch(slot)
  }

  const autoTags = (slot: number): number => {
    const known = columns.autoTags[slot] ?? 0
    if (known !== UNREAD || !models.has(slot)) return known
    const { version, tags: own } = models.labels(slot)
    const mask = autoTagMask(text(slot, 'file_name'), bases.text(columns.base[slot] as number), version, own)
    columns.autoTags[slot] = mask
    return mask
  }

  const fillFlags = (one: EntryFacts, slot: number): void => {
    const license = one.license_flags ?? 127
    putBit(flags.live, slot, true)
    putBit(flags.safe, slot, !(one.preview_nsfw_level >= 4))
    putBit(flags.favorite, slot, one.favorite)
    putBit(flags.tagged, slot, isTagged(one.tags))
    putBit(flags.noCredit, slot, (license & 1) !== 0)
    putBit(flags.selling, slot, (license & 2) !== 0)
  }

  const put = (one: EntryFacts | IndexedModel, packed?: string): number => {
    const known = slotOf(one.id)
    const slot = known >= 0 ? known : free.pop() ?? models.length
    const former = known >= 0 ? model(slot) : undefined
    makeRoom(columns, flags, slot)
    // A list of tags may belong to several models: whoever changed it in place would change them all.
    const list = Object.freeze(Array.isArray(one.tags) ? one.tags : one.tags = [])
    const formerList = former && models.tagsOf(slot, former)
    if (!formerList || !sameTexts(formerList, list)) {
      if (formerList) tags.remove(slot, formerList)
      tags.add(slot, list)
    }
    shareTexts(one, slot, known >= 0)
    models.put(slot, packed ?? one as IndexedModel, list)
    fillColumns(one, slot)
    fillFlags(one, slot)
    if (!former) size++
    if (!former || textsDiffer(former, one, formerList)) vocabulary.touch(slot)
    orders.update(slot, former, one)
    return slot
  }

  const drop = (slot: number): void => {
    const one = model(slot)
    if (!one) return
    tags.remove(slot, models.tagsOf(slot, one))
    models.drop(slot)
    folders.release(columns.folder[slot] as number)
    bases.release(columns.base[slot] as number)
    roots.release(columns.root[slot] as number)
    subTypes.release(columns.subType[slot] as number)
    letters.release(columns.letter[slot] as number)
    for (const table of [ids, digests, ...keyTables]) table.drop(slot)
    columns.autoTags[slot] = 0
    for (const set of Object.values(flags)) putBit(set, slot, false)
    orders.drop(slot)
    free.push(slot)
    size--
  }

  return {
    type,
    columns,
    flags,
    folders,
    bases,
    subTypes,
    letters,
    roots,
    tags,
    vocabulary,
    orders,
    hashes,
    digests,
    paths,
    stems,
    versions,
    groups,
    get size () { return size },
    get limit () { return columns.capacity },
    get live () { return flags.live },
    model,
    text,
    slotOf,
    groupCode,
    autoTags,
    keyTables,
    put,
    drop
  }
}

/** Auto tags that were not looked for yet. */
const UNREAD = 0xff

const numberKey = (value: number): number | null => value === 0 ? null : integerHash(value)

const sameTexts = (a: readonly string[], b: readonly string[]): boolean => a === b || (a.length === b.length && a.every((text, i) => text === b[i]))

/** Whether the searchable texts changed; an entry that was changed in place counts as changed. */
function textsDiffer (former: EntryFacts, model: EntryFacts, formerTags: readonly string[] | undefined): boolean {
  return former === model || former.file_name !== model.file_name || former.model_name !== model.model_name ||
    former.civitai?.creator?.username !== model.civitai?.creator?.username || !sameTexts(formerTags ?? [], model.tags)
}
