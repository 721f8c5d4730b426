import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { writeFileAtomic } from '../../services/files/atomic-write.ts'
import { durableWrites } from './durable-writes.ts'
import { listAll } from '../campaign/client.ts'
import { listUrl, queryKinds } from '../list-queries.ts'
import { atMost, atScale, median, percentile, type Measurement } from '../measurement.ts'
import type { BenchContext, Part } from './context.ts'
import { startProbe } from './probe.ts'

const run = promisify(execFile)
/** Models in one change of many. */
const MANY = 1_000
const ROUNDS = 3
const EDITS = 200
const LIST_P99 = 25
const VARIANTS = 64

const sidecarOf = (path: string): string => path.replace(/\.safetensors$/, '.metadata.json')

/** Changes of many models, each taken back before the next, and edits of single ones; lists are asked for meanwhile. */
export const changes: Part = async (context) => {
  const { server, models, library } = context
  const paths = (await listAll(server.base, 'loras', MANY)).slice(0, MANY).map((item) => String(item.file_path))
  const files = paths.reduce((sum, path) => sum + 2 + Number(existsSync(path.replace(/\.safetensors$/, '.png'))), 0)
  const reference = await moveRate(context, paths)
  const measurements: Measurement[] = []
  const kinds: [string, string, Record<string, unknown>][] = [
    ['bulk move', 'move_models_bulk', { target_path: join(library.directory, 'loras', 'bench-target') }],
    ['organize', 'auto-organize', {}],
    ['bulk delete', 'bulk-delete', {}]
  ]
  for (const [name, route, body] of kinds) measurements.push(...await changeMany(context, { name, route, body: { ...body, file_paths: paths }, models: paths.length, files, reference }))
  return [...measurements, await durableWrites(context, paths.map(sidecarOf)), ...await edits(context, paths), { part: 'changes', name: 'files moved by mv', models, value: reference, unit: 'per second', note: 'one mv for all of them, nothing journaled or synced' }]
}

interface Many { name: string, route: string, body: Record<string, unknown>, models: number, files: number, reference: number }

/** Some rounds, since a single delete is over after 150 lists; the first of them on code that has never run counts like the others. */
async function changeMany (context: BenchContext, many: Many): Promise<Measurement[]> {
  const { name, models: count, files, reference } = many
  const rounds: Round[] = []
  for (let round = 0; round < ROUNDS; round++) rounds.push(await changeOnce(context, many))
  const seconds = median(rounds.map((round) => round.seconds))
  const times = rounds.flatMap((round) => round.times)
  const { models } = context
  return [
    { part: 'changes', name: `${name} of ${count.toLocaleString('en')} models`, models, value: files / seconds, unit: 'per second', note: `files; ${rounds.map((round) => round.seconds.toFixed(1)).join(', ')} s, mv ${Math.round(reference)} files/s` },
    { part: 'changes', name: `list during a ${name}, p99`, models, value: percentile(times, 0.99), unit: 'ms', ...atScale(models, atMost(LIST_P99)), note: `${times.length} queries at 100 Hz, p50 ${percentile(times, 0.5).toFixed(1)} ms; p99 of the rounds ${rounds.map((round) => percentile(round.times, 0.99).toFixed(0)).join(', ')}` }
  ]
}

interface Round { seconds: number, times: number[] }

async function changeOnce ({ server, library }: BenchContext, { name, route, body }: Many): Promise<Round> {
  const asked = queryKinds(library).slice(0, 4)
  const probe = startProbe(server.base, (n) => listUrl(asked[n % asked.length]?.query(n % VARIANTS) ?? {}))
  const began = performance.now()
  const bytes = await postRaw(server.base, `/api/lm/loras/${route}`, body)
  const seconds = (performance.now() - began) / 1000
  const times = await probe.stop()
  // Megabytes: parsed while the probe asks, they would hold up the probe.
  const answer = JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>
  if (answer.success !== true) throw new Error(`${name} was answered ${JSON.stringify(answer).slice(0, 300)}`)
  await undoLast(server.base)
  return { seconds, times }
}

async function postRaw (base: string, path: string, body: Record<string, unknown>): Promise<ArrayBuffer> {
  return await (await fetch(base + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })).arrayBuffer()
}

async function undoLast (base: string): Promise<void> {
  // A look at the disk that fell into the change may take a folder that it emptied for one that is away; the next one knows better.
  await fetch(`${base}/api/lm/loras/scan`)
  const { items } = await (await fetch(`${base}/api/v1/operations?limit=1`)).json() as { items: { id: string }[] }
  const answer = await fetch(`${base}/api/v1/operations/${items[0]?.id}/undo`, { method: 'POST' })
  if (answer.status !== 200) throw new Error(`the change could not be taken back: ${answer.status} ${await answer.text()}`)
}

/** Files per second when `mv` takes copies of the same files to another folder. */
async function moveRate ({ scratch }: BenchContext, paths: readonly string[]): Promise<number> {
  const from = join(scratch, 'mv-from')
  const to = join(scratch, 'mv-to')
  for (const directory of [from, to]) mkdirSync(directory)
  for (const [index, path] of paths.entries()) {
    writeFileSync(join(from, `${index}.safetensors`), readFileSync(path))
    writeFileSync(join(from, `${index}.metadata.json`), readFileSync(sidecarOf(path)))
  }
  const rates: number[] = []
  for (const [source, target] of [[from, to], [to, from], [from, to]] as const) {
    const count = readdirSync(source).length
    const began = performance.now()
    await run('sh', ['-c', 'find "$1" -type f -print0 | xargs -0 mv -t "$2"', 'sh', source, target])
    rates.push(count / ((performance.now() - began) / 1000))
  }
  for (const directory of [from, to]) rmSync(directory, { recursive: true, force: true })
  return median(rates)
}

/** One edit after the other, as the server times them, against the same bytes written, synced and renamed by hand. */
async function edits ({ server, models }: BenchContext, paths: readonly string[]): Promise<Measurement[]> {
  const times: number[] = []
  const bare: number[] = []
  for (let n = 0; n < EDITS; n++) {
    const path = paths[n % paths.length] ?? ''
    const began = performance.now()
    await postRaw(server.base, '/api/lm/loras/save-metadata', { file_path: path, notes: `measured ${n}` })
    times.push(performance.now() - began)
    const sidecar = sidecarOf(path)
    const bytes = readFileSync(sidecar)
    const begun = performance.now()
    await writeFileAtomic(`${sidecar}.bench`, bytes, { durable: true })
    bare.push(performance.now() - begun)
    rmSync(`${sidecar}.bench`)
  }
  const [p50, reference] = [median(times), median(bare)]
  return [{ part: 'changes', name: 'edit of a sidecar over HTTP, of write, fsync and rename', models, value: p50 / reference, unit: 'ratio', note: `${p50.toFixed(1)} ms with its request, its place in the index and the journal; ${reference.toFixed(1)} ms bare` }]
}
