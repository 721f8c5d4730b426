import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import { bitMembers } from './bit-set.ts'
import { createAnswers } from './answers.ts'
import { createCorpus } from './corpus.ts'
import type { Corpus } from './corpus.ts'
import { duplicateGroups, filenameGroups } from './duplicates.ts'
import type { Group } from './duplicates.ts'
import { baseModels, folderTree, folders, letterCounts, modelTypes, searchTags, topTags } from './facets.ts'
import { localVersionsOf, modelAt, modelAtRelativePath, modelsNamed, modelsOfCivitai, modelsOfVersion } from './names.ts'
import { folderPrefixes, relativePaths } from './relative-paths.ts'
import { duplicateQuery, excludedQuery } from './whole-query.ts'
import { NotFoundError } from '../../errors.ts'
import { createSlices } from '../../jobs/slices.ts'
import type { IndexedModel } from '../entry.ts'
import { packedFacts, type PackedModel } from '../packed-model.ts'
import type { IndexPreferences, ModelIndex, UpdateFlags, UsageCounts } from '../ports.ts'
import type { ModelType } from '../types.ts'

export interface ModelIndexDeps {
  type: ModelType
  preferences: () => IndexPreferences
  usage: UsageCounts
  updates: UpdateFlags
}

/** How many changed models make it worth to bring orders up to date before someone asks. */
const SETTLE_FROM = 128
/** While many models come, orders are brought up to date at most this often, and as long as that takes a part of the time only. */
const BULK_MS = 750
const MOST_BULK_MS = 5000
const BULK_SHARE = 10
/** Models between two looks at the clock. */
const AT_ONCE = 256

/** Builds the index of one model type; see the port for what it promises. */
export function createModelIndex (deps: ModelIndexDeps): ModelIndex {
  const { type, preferences } = deps
  let bulk = false
  let sortsLater = false
  const isBulk = (): boolean => bulk
  let listed = createCorpus(type, isBulk)
  let hidden = createCorpus(type, isBulk)
  let offline: ReadonlySet<string> = new Set()
  let version = 0
  let touched = 0
  let settling = false

  const isOffline = (rootId: string): boolean => offline.has(rootId)
  const createAnswersFor = (corpus: Corpus): ReturnType<typeof createAnswers> => createAnswers({ ...deps, corpus, isOffline, version: () => version, hidesUnsafe: corpus === listed })
  let answers = createAnswersFor(listed)
  let hiddenAnswers = createAnswersFor(hidden)

  /** Keeps what is in use up to date in the background, in slices; a read never depends on it. */
  const settle = async (): Promise<void> => {
    settling = true
    let spent = 0
    try {
      while (touched >= SETTLE_FROM) {
        touched = 0
        if (bulk) await delay(Math.min(MOST_BULK_MS, Math.max(BULK_MS, spent * BULK_SHARE)), undefined, { ref: false })
        else await nextTurn()
        const begun = performance.now()
        await listed.orders.settle()
        spent = performance.now() - begun
        if (!bulk) await listed.vocabulary.settle()
      }
    } finally {
      settling = false
    }
  }

  const remove = (id: number): void => {
    for (const [corpus, own] of [[listed, answers], [hidden, hiddenAnswers]] as const) {
      const slot = corpus.slotOf(id)
      if (slot < 0) continue
      corpus.drop(slot)
      own.forget(slot)
    }
  }

  const upsert = (given: IndexedModel | PackedModel): void => {
    const packed = 'packed' in given
    const model = packed ? packedFacts(given) : given
    const [to, from] = model.exclude ? [hidden, listed] : [listed, hidden]
    if (from.slotOf(model.id) >= 0) remove(model.id)
    const slot = packed ? to.put(model, given.packed) : to.put(given)
    ;(to === listed ? answers : hiddenAnswers).forget(slot)
  }

  const slotOrThrow = (id: number): number => {
    const slot = listed.slotOf(id)
    if (slot < 0) throw new NotFoundError('No such model')
    return slot
  }

  const models = function * (corpus: Corpus): IterableIterator<IndexedModel> {
    for (const slot of bitMembers(corpus.live)) {
      const model = corpus.model(slot)
      if (model) yield model
    }
  }

  const byHash = (hash: string): IndexedModel[] => listed.hashes.find(hash).map((slot) => listed.model(slot)).filter((model) => model !== undefined)

  const groupsJson = (groups: readonly Group[], name: string, list: string): { groups: Buffer, count: number } => ({ groups: answers.groups(groups, name, list), count: groups.length })

  return {
    type,
    get version () { return version },
    get size () { return listed.size },
    get: (filePath) => modelAt(listed, filePath) ?? modelAt(hidden, filePath),
    byId: (id) => {
      const slot = listed.slotOf(id)
      return slot < 0 ? undefined : listed.model(slot)
    },
    entries: () => models(listed),
    digests: async () => await listed.digests.read(),
    excluded: () => models(hidden),
    countIn: (rootId) => listed.roots.count(listed.roots.find(rootId)) + hidden.roots.count(hidden.roots.find(rootId)),
    apply: ({ upsert: put = [], remove: gone = [] }) => {
      if (put.length + gone.length === 0) return
      for (const id of gone) remove(id)
      for (const model of put) upsert(model)
      version++
      touched += put.length + gone.length
      if (!settling && !sortsLater && touched >= SETTLE_FROM && listed.orders.inUse) settle()
    },
    clear: () => {
      bulk = false
      sortsLater = false
      listed = createCorpus(type, isBulk)
      hidden = createCorpus(type, isBulk)
      answers = createAnswersFor(listed)
      hiddenAnswers = createAnswersFor(hidden)
      version++
    },
    bulk: (active, options) => {
      if (bulk === active) return
      bulk = active
      sortsLater = active && options?.sortsLater === true
      // What was read meanwhile may stand at the end of an order.
      if (!active) version++
    },
    prepareNames: async (likely) => {
      const first = listed
      const order = likely ? await slotsOfIds(first, likely) : null
      await first.orders.settleNames(preferences().nameDisplay, () => order)
    },
    nameOrder: () => {
      const order = listed.orders.name[preferences().nameDisplay]
      return order.settled ? order.read().map((slot) => listed.columns.id[slot] as number) : null
    },
    prepare: async () => {
      const [first, second] = [listed, hidden]
      const { nameDisplay } = preferences()
      await first.orders.settle(nameDisplay)
      await first.vocabulary.settle()
      await second.orders.settle()
      for (const table of first.keyTables) await table.prepare()
      const slices = createSlices()
      for (let slot = 0; slot < first.limit; slot++) {
        first.autoTags(slot)
        if (slot % AT_ONCE === 0) await slices()
      }
    },
    setOfflineRoots: (rootIds) => {
      offline = new Set(rootIds)
      answers.clear()
      hiddenAnswers.clear()
      version++
    },

    list: (query) => answers.list(query),
    listExcluded: (query) => hiddenAnswers.list(excludedQuery(query)),
    select: (query) => answers.select(query),
    item: (id) => answers.item(slotOrThrow(id)),

    topTags: (limit) => answers.derived(`top-tags ${limit}`, 0, () => topTags(listed, limit)),
    searchTags: (text, limit) => searchTags(listed, text, limit),
    baseModels: (limit) => baseModels(listed, limit),
    modelTypes: (limit) => modelTypes(listed, limit),
    folders: () => answers.derived('folders', 0, () => folders(listed)),
    folderTree: (rootId) => folderTree(listed, rootId),
    letterCounts: () => letterCounts(listed),
    duplicates: (filter) => answers.derived(`duplicates ${JSON.stringify(filter)}`, answers.itemStamp(), () =>
      groupsJson(duplicateGroups(listed, answers.filter(duplicateQuery(filter), false)), 'hash', 'models')),
    filenameConflicts: () => answers.derived('conflicts', answers.itemStamp(), () => groupsJson(filenameGroups(listed), 'filename', 'models')),
    relativePaths: (query, filtered, search, limit, offset) => {
      const find = (): string[] => relativePaths(listed, answers.derived('prefixes', 0, () => folderPrefixes(listed)), filtered ? answers.filter(query, true) : null, search, limit, offset)
      return filtered || search.trim() !== '' ? find() : answers.derived(`paths ${limit} ${offset}`, 0, find)
    },

    lookup: (name) => modelsNamed(listed, name)[0],
    lookupAll: (name) => modelsNamed(listed, name),
    byHash,
    byVersionId: (versionId) => modelsOfVersion(listed, versionId),
    byModelId: (modelId) => [...modelsOfCivitai(listed, modelId), ...modelsOfCivitai(hidden, modelId)],
    versionsOf: (modelId) => localVersionsOf(listed, modelId),
    byRelativePath: (relativePath) => modelAtRelativePath(listed, relativePath)
  }
}

/** Slots of the models that there are, in the order of the ids. */
async function slotsOfIds (corpus: Corpus, ids: Uint32Array): Promise<Uint32Array> {
  const slices = createSlices()
  const slots = new Uint32Array(ids.length)
  let length = 0
  for (let i = 0; i < ids.length; i++) {
    const slot = corpus.slotOf(ids[i] as number)
    if (slot >= 0) slots[length++] = slot
    if (i % AT_ONCE === 0) await slices()
  }
  return slots.subarray(0, length)
}
