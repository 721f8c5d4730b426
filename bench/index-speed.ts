/**
 * Speed and memory of the model index by hand: `node --import ./loader.mjs bench/index-speed.ts [sizes …]`. Prints p50 and p99 of each kind
 * of query, each asked for the first time, at several library sizes, and what a library adds to the process.
 */
import { createModelIndex } from '../services/models/index/model-index.ts'
import { NO_FILTER } from '../services/models/index/whole-query.ts'
import { modelTypes } from '../services/models/types.ts'
import type { ModelType } from '../services/models/types.ts'
import type { IndexedModel } from '../services/models/entry.ts'
import type { ListQuery, ModelIndex } from '../services/models/ports.ts'

const WORDS = 'ancient golden fox style crimson harbor raven illustrious sketch temple velvet tiger watercolor forest mecha castle robot eyes detailer soft neon alley kimono portrait dreamy lantern wolf queen garden ocean'.split(' ')
const BASES = ['SDXL 1.0', 'Pony', 'Illustrious', 'NoobAI', 'SD 1.5', 'Flux.1 D', 'Wan Video 2.2 I2V-A14B', 'Qwen', 'Chroma', 'Krea 2']
const ROUNDS = 30

function createRandom (seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = state + 0x6d2b79f5 | 0
    let mixed = Math.imul(state ^ state >>> 15, state | 1)
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61)
    return ((mixed ^ mixed >>> 14) >>> 0) % below
  }
}

function makeModel (id: number, pick: (below: number) => number, count: number): IndexedModel {
  const word = (): string => WORDS[pick(WORDS.length)] ?? ''
  const name = `${word()} ${word()} ${word()}`
  const stem = `${name.replaceAll(' ', '_')}_v${pick(9)}_${id.toString(36)}`
  const folder = `${word()}/sub ${pick(Math.max(1, count / 3000 | 0))}`
  const hex = (length: number): string => Array.from({ length: Math.ceil(length / 8) }, () => pick(0xffffffff).toString(16).padStart(8, '0')).join('').slice(0, length)
  const path = `/mnt/models/library/loras/${folder}/${stem}`
  return {
    id,
    type: 'lora',
    root_id: 'root',
    file_path: `${path}.safetensors`,
    file_name: stem,
    model_name: name,
    folder,
    size: pick(2_000_000_000),
    modified: 1_600_000_000 + pick(160_000_000) + 0.25,
    sha256: hex(64),
    autov3: hex(12),
    base_model: BASES[pick(BASES.length)] ?? '',
    preview_url: `${path}.webp`,
    preview_nsfw_level: [0, 1, 2, 4, 8, 16][pick(6)] ?? 0,
    from_civitai: true,
    favorite: pick(20) === 0,
    notes: '',
    usage_tips: '{}',
    metadata_source: null,
    exclude: false,
    db_checked: false,
    last_checked_at: 0,
    tags: [word(), `tag ${pick(Math.max(20, count / 20 | 0))}`, word(), `tag ${pick(400)}`],
    civitai: { id: 1_000_000 + id, modelId: 500_000 + (id / 1.3 | 0), name: `v${pick(5)}.0`, creator: { username: `${word()}${pick(2000)}` }, trainedWords: [`${word()} ${word()}`, `${word()}, ${word()}`] },
    civitai_deleted: false,
    skip_metadata_refresh: false,
    hf_url: '',
    license_flags: pick(128),
    hash_status: 'completed',
    preview_version: hex(16),
    metadata_error: '',
    other_hashes: null
  }
}

const query = (over: Partial<ListQuery>): ListQuery => ({ ...NO_FILTER, ...over })

type Kind = [name: string, run: (index: ModelIndex, round: number, models: readonly IndexedModel[]) => unknown]

const word = (round: number): string => WORDS[round % WORDS.length] ?? ''
const sortBy = (key: string, order: 'asc' | 'desc' = 'asc', seed = ''): Partial<ListQuery> => ({ sort: { key, order, seed } })

const kinds: Kind[] = [
  ['page 1 by name', (index) => index.list(query({}))],
  ['deep page of 100 by date', (index, round) => index.list(query({ ...sortBy('date', 'desc'), pageSize: 100, page: 1 + round % Math.ceil(index.size / 100) }))],
  ['by size', (index) => index.list(query(sortBy('size', 'desc')))],
  ['by usage', (index) => index.list(query(sortBy('usage', 'desc')))],
  ['random', (index, round) => index.list(query(sortBy('random', 'asc', `s${round}`)))],
  ['versions count', (index) => index.list(query(sortBy('versions_count', 'desc')))],
  ['base + folder', (index, round) => index.list(query({ baseModels: [BASES[round % BASES.length] ?? ''], folder: word(round) }))],
  ['2 tags, deep page', (index, round) => index.list(query({ tagInclude: [word(round), word(round + 7)], page: 50 }))],
  ['sfw letter licence', (index) => index.list(query({ firstLetter: 'S', creditRequired: false, allowSelling: true, favoritesOnly: true }))],
  ['updates only', (index) => index.list(query({ updateAvailableOnly: true }))],
  ['grouped', (index) => index.list(query({ groupByModel: true, ...sortBy('date', 'desc') }))],
  ['grouped by count', (index) => index.list(query({ groupByModel: true, ...sortBy('versions_count', 'desc') }))],
  ['hash filter', (index, round, models) => index.list(query({ hashes: [models[round]?.sha256 ?? ''] }))],
  ['search word', (index, round) => index.list(query({ search: word(round).slice(0, 5) }))],
  ['search letter', (index, round) => index.list(query({ search: 'aeiost'[round % 6] ?? 'a' }))],
  ['search phrase', (index, round) => index.list(query({ search: `${word(round)} ${word(round + 3)}` }))],
  ['search rare, all fields', (index, round, models) => index.list(query({ search: models[round * 7 % models.length]?.file_name.slice(-6) ?? '', searchIn: { fileName: true, modelName: true, tags: true, creator: true } }))],
  ['fuzzy two words', (index, round) => index.list(query({ fuzzy: true, search: `${word(round)} ${word(round + 3).replace('o', '0')}` }))],
  ['fuzzy misspelt', (index, round) => index.list(query({ fuzzy: true, search: `${word(round)}x` }))],
  ['name regex', (index, round) => index.list(query({ namePatternInclude: [`^${word(round)}.*v[0-9]$`], namePatternUseRegex: true }))],
  ['everything at once', (index, round) => index.list(query({ search: word(round), baseModels: ['Pony', 'SDXL 1.0'], tagExclude: ['tag 7'], favoritesOnly: true, ...sortBy('date') }))],
  ['top tags', (index) => index.topTags(20)],
  ['all tags', (index) => index.topTags(0)],
  ['search tags', (index, round) => index.searchTags(word(round).slice(0, 3), 20)],
  ['base models', (index) => index.baseModels(0)],
  ['model types', (index) => index.modelTypes(20)],
  ['folders', (index) => index.folders()],
  ['folder tree of a root', (index) => index.folderTree('root')],
  ['letter counts', (index) => index.letterCounts()],
  ['duplicates', (index) => index.duplicates({ baseModels: [], tagInclude: [], tagExclude: [], subTypes: [], favoritesOnly: false })],
  ['filename conflicts', (index) => index.filenameConflicts()],
  ['autocomplete empty', (index) => index.relativePaths(query({}), false, '', 15, 0)],
  ['autocomplete letter', (index, round) => index.relativePaths(query({}), false, 'aeiost'[round % 6] ?? 'a', 15, 0)],
  ['autocomplete two tokens', (index, round) => index.relativePaths(query({}), false, `${word(round)} ${word(round + 5).slice(0, 4)}`, 15, 0)],
  ['lookup by name', (index, round, models) => index.lookup(models[round * 31 % models.length]?.file_name ?? '')],
  ['by hash', (index, round, models) => index.byHash(models[round * 31 % models.length]?.sha256.slice(0, 10) ?? '')]
]

interface Timing { p50: number, p99: number }

function timing (times: number[]): Timing {
  times.sort((a, b) => a - b)
  return { p50: times[times.length >> 1] ?? 0, p99: times[Math.floor(times.length * 0.99)] ?? 0 }
}

function measure (count: number, run: () => unknown, before: () => void): Timing {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    before()
    const start = performance.now()
    run()
    times.push(performance.now() - start)
  }
  return timing(times)
}

async function measureLoop (work: Promise<unknown>): Promise<number> {
  let longest = 0
  let last = performance.now()
  const tick = (): void => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
  }
  const timer = setInterval(tick, 1)
  await work
  tick()
  clearInterval(timer)
  return longest
}

const rss = (): number => {
  globalThis.gc?.()
  globalThis.gc?.()
  return process.memoryUsage().rss / 1e6
}

async function measureSize (count: number): Promise<Map<string, Timing>> {
  const usage = { version: 1, count: ({ sha256 }: { sha256: string }) => sha256.charCodeAt(0) % 3 }
  const updates = { version: 1, available: ({ civitai }: Pick<IndexedModel, 'civitai'>) => (civitai?.id ?? 0) % 7 === 0 }
  const index = createModelIndex({ type: modelTypes[0] as ModelType, preferences: () => ({ nameDisplay: 'model_name', sfwOnly: false, versionGrouping: 'same_base' }), usage, updates })
  const pick = createRandom(count)
  const before = rss()
  const models = Array.from({ length: count }, (_, i) => makeModel(i + 1, pick, count))
  const loaded = rss()
  const start = performance.now()
  let slowest = 0
  for (let at = 0; at < count; at += 500) {
    const from = performance.now()
    index.apply({ upsert: models.slice(at, at + 500) })
    slowest = Math.max(slowest, performance.now() - from)
  }
  const applied = performance.now()
  const blocked = await measureLoop(index.prepare())
  const prepared = performance.now()
  const after = rss()
  console.log(`\n${count} models: apply ${(applied - start).toFixed(0)} ms (slowest batch ${slowest.toFixed(1)}), prepare ${(prepared - applied).toFixed(0)} ms (loop blocked ${blocked.toFixed(1)}), ` +
    `entries ${(loaded - before).toFixed(0)} MB, index +${(after - loaded).toFixed(0)} MB, ${((after - before) * 1e6 / count).toFixed(0)} B per model`)
  const results = new Map<string, Timing>()
  for (const [name, run] of kinds) {
    let round = 0
    results.set(name, measure(ROUNDS, () => run(index, round++, models), () => { updates.version++ }))
  }
  results.set('page 1 after a change', measure(ROUNDS, () => index.list(query({ baseModels: ['Pony'], search: 'fox' })), () => index.setOfflineRoots(new Set())))
  results.set('grouped after a change', measure(ROUNDS, () => index.list(query({ groupByModel: true })), () => index.setOfflineRoots(new Set())))
  results.set('repeated query', measure(ROUNDS * 10, () => index.list(query({ search: 'fox' })), () => {}))
  await measureChanges(index, models, results)
  if (globalThis.gc) results.set('full GC', measure(5, () => globalThis.gc?.(), () => {}))
  return results
}

/** Batches of a scan with queries in between. */
async function measureChanges (index: ModelIndex, models: readonly IndexedModel[], results: Map<string, Timing>): Promise<void> {
  const batches: number[] = []
  const queries: number[] = []
  const size = Math.min(500, models.length / 4 | 0)
  for (let round = 0; round < 40; round++) {
    const changed = Array.from({ length: size }, (_, i) => {
      const model = models[(round * size + i * 7) % models.length] as IndexedModel
      return { ...model, model_name: `${model.model_name} ${round}`, modified: model.modified + round }
    })
    let start = performance.now()
    index.apply({ upsert: changed })
    batches.push(performance.now() - start)
    if (round % 3 === 2) await new Promise((resolve) => setImmediate(resolve))
    start = performance.now()
    const order = ['name', 'date', 'size', 'usage'][round % 4] ?? 'name'
    index.list(query({ ...sortBy(order), ...(round % 5 === 0 ? { search: word(round) } : {}), baseModels: ['Pony'] }))
    queries.push(performance.now() - start)
    await new Promise((resolve) => setImmediate(resolve))
  }
  results.set('apply a batch of 500', timing(batches))
  results.set('query between batches', timing(queries))
}

const sizes = process.argv.slice(2).map(Number).filter((size) => size > 0)
const columns: [number, Map<string, Timing>][] = []
for (const size of sizes.length > 0 ? sizes : [1000, 20_000, 100_000]) columns.push([size, await measureSize(size)])
console.log(`\n${'ms, p50 / p99'.padEnd(26)}${columns.map(([size]) => String(size).padStart(18)).join('')}`)
for (const name of columns[0]?.[1].keys() ?? []) {
  console.log(name.padEnd(26) + columns.map(([, results]) => {
    const time = results.get(name)
    return (time ? `${time.p50.toFixed(2)} / ${time.p99.toFixed(2)}` : '').padStart(18)
  }).join(''))
}
