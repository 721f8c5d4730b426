import { linkSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { drawLandscape } from '../drawing.ts'
import { createRandom } from '../random.ts'
import { listAll } from '../campaign/client.ts'
import { createTimedClient } from '../http-client.ts'
import { listUrl, queryKinds } from '../list-queries.ts'
import { atMost, atScale, median, percentile, type Measurement } from '../measurement.ts'
import { latencyOf } from './latency.ts'
import type { BenchContext, Part } from './context.ts'
import { startProbe } from './probe.ts'

/** Share of the models that have example images. */
const SHARE = 0.3
const REQUESTS = 105
const CHECKS = 60
const GOAL = 2
const CHECK_GOAL = 200
const VARIANTS = 64

/** Questions about example images in a library where a part of the models has some; the run itself asks other hosts and has no figure here. */
export const examples: Part = async (context) => {
  const { server, models } = context
  const hashes = await makeExamples(context)
  const client = createTimedClient(server.base)
  const of = (route: string) => (n: number) => `/api/lm/${route}?model_hash=${hashes[n * 131 % hashes.length]}`
  const routes: Record<string, (n: number) => string> = { 'example-images-status': () => '/api/lm/example-images-status', 'has-example-images': of('has-example-images'), 'example-image-files': of('example-image-files') }
  const measurements: Measurement[] = []
  try {
    for (const [name, path] of Object.entries(routes)) {
      const { p50, p99, source } = await latencyOf(client, Array.from({ length: REQUESTS }, (_, n) => path(n)))
      measurements.push({ part: 'examples', name, models, value: p50, unit: 'ms', goal: atMost(GOAL), note: `p50, ${source} time; p99 ${p99.toFixed(2)} ms; ${hashes.length.toLocaleString('en')} folders` })
    }
  } finally {
    client.close()
  }
  return [...measurements, ...await checkNeeded(context)]
}

/** Folders of one picture each, in a place of their own. Answers the hashes of their models. */
async function makeExamples ({ server, library, models, scratch }: BenchContext): Promise<string[]> {
  const root = join(library.directory, 'examples')
  const picture = join(scratch, `example-${models}.png`)
  writeFileSync(picture, drawLandscape(createRandom(models), 240, 320))
  const found = await listAll(server.base, 'loras')
  const hashes = [...new Set(found.slice(0, Math.ceil(models * SHARE)).map(({ sha256 }) => String(sha256)))]
  for (const hash of hashes) {
    mkdirSync(join(root, hash), { recursive: true })
    linkSync(picture, join(root, hash, 'image_0.png'))
  }
  const { success } = await post(server.base, 'settings', { example_images_path: root })
  if (success !== true) throw new Error('the folder of example images was not taken')
  return hashes
}

async function checkNeeded ({ server, library, models }: BenchContext): Promise<Measurement[]> {
  const asked = queryKinds(library).slice(0, 4)
  const probe = startProbe(server.base, (n) => listUrl(asked[n % asked.length]?.query(n % VARIANTS) ?? {}))
  const times: number[] = []
  for (let n = 0; n < CHECKS; n++) {
    const began = performance.now()
    const answer = await post(server.base, 'check-example-images-needed', {})
    times.push(performance.now() - began)
    if (answer.success !== true) throw new Error(`check-example-images-needed was answered ${JSON.stringify(answer).slice(0, 300)}`)
  }
  const lists = await probe.stop()
  return [
    { part: 'examples', name: 'check-example-images-needed', models, value: median(times), unit: 'ms', goal: atMost(CHECK_GOAL), note: `p50 of ${CHECKS}, client time, lists asked for meanwhile; slowest ${Math.max(...times).toFixed(0)} ms` },
    { part: 'examples', name: 'list during check-example-images-needed, p99', models, value: percentile(lists, 0.99), unit: 'ms', ...atScale(models, atMost(25)), note: `${lists.length} queries at 100 Hz, p50 ${median(lists).toFixed(1)} ms` }
  ]
}

async function post (base: string, route: string, body: object): Promise<Record<string, unknown>> {
  const answer = await fetch(`${base}/api/lm/${route}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  return await answer.json() as Record<string, unknown>
}
