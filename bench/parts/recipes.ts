import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { poll, startBuiltServer, untilIdle, writeSettings, type BuiltServer } from '../built-server.ts'
import { createTimedClient, type TimedClient } from '../http-client.ts'
import { makeLibrary, type GeneratedLibrary } from '../library.ts'
import { atMost, percentile, type Measurement } from '../measurement.ts'
import { makeRecipes } from '../recipe-library.ts'
import { baseModels, names, tags } from '../words.ts'
import { latencyOf } from './latency.ts'
import { startProbe } from './probe.ts'

const RECIPES = 20_000
const MODELS = 1_000
const SEED = 30
const QUERIES = 65
/** Warm starts with and without recipes. */
const ROUNDS = 3

interface List { total: number }

/** 20,000 recipes: found for the first time, loaded from rows, listed, searched, compared. */
export async function recipes (scratch: string): Promise<Measurement[]> {
  const directory = join(scratch, 'recipe-library')
  const settings = join(scratch, 'recipe-settings')
  const plain = { directory: join(scratch, 'plain-library'), settings: join(scratch, 'plain-settings') }
  const library = makeLibrary({ directory, models: MODELS, seed: SEED, previews: 0.2 })
  await makeRecipes({ directory: join(directory, 'loras', 'recipes'), recipes: RECIPES, seed: SEED, samples: library.samples })
  writeSettings(settings, directory)
  makeLibrary({ directory: plain.directory, models: MODELS, seed: SEED, previews: 0.2 })
  writeSettings(plain.settings, plain.directory)
  try {
    const cold = await start(settings, RECIPES)
    await cold.server.stop()
    const warm = await warmStarts(settings, plain.settings)
    const { server } = await start(settings, RECIPES)
    try {
      return [
        { part: 'recipes', name: 'recipes found for the first time, exec to complete list', models: null, value: cold.complete, unit: 'ms', note: `${RECIPES} recipes; health meanwhile p99 ${cold.health.toFixed(1)} ms` },
        { part: 'recipes', name: 'warm start with recipes, exec to complete list', models: null, value: warm.complete, unit: 'ms', goal: atMost(500), note: `${RECIPES} recipes, ${MODELS} models; health meanwhile p99 ${warm.health.toFixed(1)} ms` },
        { part: 'recipes', name: 'warm start, what the recipes add to it', models: null, value: warm.complete - warm.plain, unit: 'ms', goal: atMost(500), note: `the same server and models without recipes, started in turns, answers its empty list ${warm.plain.toFixed(0)} ms after exec` },
        ...await queries(server, library)
      ]
    } finally {
      await server.stop()
    }
  } finally {
    for (const made of [directory, settings, plain.directory, plain.settings]) rmSync(made, { recursive: true, force: true })
  }
}

interface Started { server: BuiltServer, complete: number, health: number }

/** With recipes and without them in turns, the middle of each. */
async function warmStarts (settings: string, plainSettings: string): Promise<Omit<Started, 'server'> & { plain: number }> {
  const stopped = async (of: string, recipes: number): Promise<Started> => {
    const started = await start(of, recipes)
    await started.server.stop()
    return started
  }
  await stopped(plainSettings, 0)
  const rounds: (Omit<Started, 'server'> & { plain: number })[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const { complete, health } = await stopped(settings, RECIPES)
    const { complete: plain } = await stopped(plainSettings, 0)
    rounds.push({ complete, health, plain })
  }
  const middle = (of: 'complete' | 'health' | 'plain'): number => percentile(rounds.map((round) => round[of]), 0.5)
  return { complete: middle('complete'), health: middle('health'), plain: middle('plain') }
}

/** Until the list holds so many recipes; the server is idle then. */
async function start (settings: string, recipes: number): Promise<Started> {
  const server = await startBuiltServer({ settings })
  const client = createTimedClient(server.base)
  try {
    const complete = await poll('all recipes', async () => {
      const { total } = await client.json<List>('/api/lm/recipes?page_size=1')
      return total >= recipes ? performance.now() - server.executedAt : undefined
    }, { every: 5 })
    const probe = startProbe(server.base, () => '/health/live')
    await untilIdle(server.base)
    return { server, complete, health: percentile(await probe.stop(), 0.99) }
  } catch (error) {
    await server.stop()
    throw error
  } finally {
    client.close()
  }
}

const at = <Value>(values: readonly Value[], index: number): Value => values[index % values.length] as Value
const word = (n: number): string => at(at(names, n * 37).split(' '), n)

/** Kinds of list query, each in many variants that were never asked before. */
function kinds ({ samples }: GeneratedLibrary): { name: string, query: (n: number) => Record<string, string> }[] {
  return [
    { name: 'by date', query: (n) => ({ page: String(1 + n) }) },
    { name: 'by name', query: (n) => ({ sort_by: 'name', page: String(1 + n) }) },
    { name: 'random', query: (n) => ({ sort_by: `random:${n}` }) },
    { name: 'most LoRAs', query: (n) => ({ sort_by: 'loras_count', page: String(1 + n) }) },
    { name: 'tags', query: (n) => ({ tag_include: at(tags, n), tag_exclude: at(tags, n + 1) }) },
    { name: 'base model and folder', query: (n) => ({ base_models: at(baseModels, n), folder: 'landscapes', page: String(1 + n) }) },
    { name: 'one word', query: (n) => ({ search: word(n) }) },
    { name: 'two words', query: (n) => ({ search: at(names, n * 53) }) },
    { name: 'first letter', query: (n) => ({ search: String.fromCharCode(97 + n % 26), page: String(1 + n) }) },
    { name: 'of a LoRA', query: (n) => ({ lora_hash: at(samples, n).sha256 }) }
  ]
}

async function queries (server: BuiltServer, library: GeneratedLibrary): Promise<Measurement[]> {
  const client = createTimedClient(server.base)
  try {
    const measurements: Measurement[] = []
    for (const { name, query } of kinds(library)) {
      const paths = Array.from({ length: QUERIES }, (_, n) => `/api/lm/recipes?${new URLSearchParams({ page_size: '100', ...query(n) })}`)
      const { p50, p99, source } = await latencyOf(client, paths)
      measurements.push({ part: 'recipes', name: `recipes, ${name}`, models: null, value: p50, unit: 'ms', goal: atMost(3), note: `p50, ${source} time; p99 ${p99.toFixed(2)} ms` })
    }
    return [...measurements, await duplicates(client)]
  } finally {
    client.close()
  }
}

async function duplicates (client: TimedClient): Promise<Measurement> {
  const first = await client.get('/api/lm/recipes/find-duplicates')
  const { p50 } = await latencyOf(client, Array.from({ length: 15 }, () => '/api/lm/recipes/find-duplicates'))
  return { part: 'recipes', name: 'duplicates among all recipes', models: null, value: p50, unit: 'ms', goal: atMost(50), note: `p50; the first ${(first.serverMilliseconds ?? first.milliseconds).toFixed(1)} ms` }
}
