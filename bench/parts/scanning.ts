import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { startBuiltServer, untilIdle } from '../built-server.ts'
import { createTimedClient } from '../http-client.ts'
import type { GeneratedLibrary } from '../library.ts'
import { listUrl, queryKinds } from '../list-queries.ts'
import { atMost, atScale, median, percentile, type Measurement } from '../measurement.ts'
import type { Part } from './context.ts'
import { startProbe } from './probe.ts'
import { untilComplete } from './starting.ts'

const run = promisify(execFile)
const LIST_P99 = 25
const SCANNED_VARIANTS = 64

async function shellMilliseconds (command: string, directory: string): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < 3; round++) {
    const started = performance.now()
    await run('sh', ['-c', command], { cwd: directory })
    times.push(performance.now() - started)
  }
  return median(times)
}

/** First start on a library it has never seen, all models with a sidecar, against reading those sidecars once. */
export async function coldScan (settings: string, library: GeneratedLibrary): Promise<Measurement[]> {
  const models = library.counts.loras
  const reading = await shellMilliseconds("find . -name '*.metadata.json' -print0 | xargs -0 cat > /dev/null", library.directory)
  const server = await startBuiltServer({ settings })
  try {
    const complete = await untilComplete(server, models)
    await untilIdle(server.base, server.startedAt)
    return [{ part: 'scan', name: 'cold scan, of xargs cat over the sidecars', models, value: complete / reading, unit: 'ratio', ...atScale(models, atMost(1.5)), note: `${Math.round(complete)} ms from exec, ${Math.round(reading)} ms to read` }]
  } finally {
    await server.stop()
  }
}

/** Lists asked for while another start scans the same library, with settings of its own. */
export async function listsDuringScan (settings: string, library: GeneratedLibrary): Promise<Measurement[]> {
  const models = library.counts.loras
  const asked = ['first page of 20', 'folder', 'base_model', 'tag_include']
  const kinds = queryKinds(library).filter(({ name }) => asked.includes(name))
  const server = await startBuiltServer({ settings })
  try {
    const probe = startProbe(server.base, (n) => listUrl(kinds[n % kinds.length]?.query(n % SCANNED_VARIANTS) ?? {}))
    await untilComplete(server, models)
    const times = await probe.stop()
    return [{ part: 'scan', name: 'list during a cold scan, p99', models, value: percentile(times, 0.99), unit: 'ms', ...atScale(models, atMost(LIST_P99)), note: `${times.length} queries at 100 Hz, p50 ${percentile(times, 0.5).toFixed(1)} ms` }]
  } finally {
    await server.stop()
  }
}

/** A reconcile that finds nothing changed, against find reading size and time of every file. */
export const reconcile: Part = async ({ models, library, server }) => {
  const finding = await shellMilliseconds("find loras -type f -printf '%s %T@ %p\\n' > /dev/null", library.directory)
  const client = createTimedClient(server.base)
  try {
    const times: number[] = []
    for (let round = 0; round < 3; round++) {
      const { status, milliseconds, body } = await client.get('/api/lm/loras/scan')
      if (status !== 200) throw new Error(`the scan answered ${status}: ${body.toString('utf8').slice(0, 200)}`)
      times.push(milliseconds)
    }
    const scan = median(times)
    return [{ part: 'reconcile', name: 'no-change reconcile, of find with stat', models, value: scan / finding, unit: 'ratio', ...atScale(models, atMost(2.5)), note: `${Math.round(scan)} ms, find ${Math.round(finding)} ms` }]
  } finally {
    client.close()
  }
}
