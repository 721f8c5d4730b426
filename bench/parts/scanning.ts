import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { startBuiltServer, untilIdle } from '../built-server.ts'
import { createTimedClient } from '../http-client.ts'
import type { GeneratedLibrary } from '../library.ts'
import { listUrl, queryKinds } from '../list-queries.ts'
import { atMost, median, percentile, type Measurement } from '../measurement.ts'
import type { Part } from './context.ts'
import { startProbe } from './probe.ts'
import { untilComplete } from './starting.ts'

const run = promisify(execFile)
const LIST_P99 = 25

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
    const kinds = queryKinds(library)
    const probe = startProbe(server.base, (n) => listUrl(kinds[n % kinds.length]?.query(n) ?? {}))
    const complete = await untilComplete(server, models)
    const times = await probe.stop()
    await untilIdle(server.base)
    return [
      { part: 'scan', name: 'cold scan, of xargs cat over the sidecars', models, value: complete / reading, unit: 'ratio', goal: atMost(1.5), note: `${Math.round(complete)} ms from exec, ${Math.round(reading)} ms to read` },
      { part: 'scan', name: 'list during a cold scan, p99', models, value: percentile(times, 0.99), unit: 'ms', goal: atMost(LIST_P99), note: `${times.length} queries of all kinds at 100 Hz` }
    ]
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
    return [{ part: 'scan', name: 'no-change reconcile, of find with stat', models, value: scan / finding, unit: 'ratio', goal: atMost(2.5), note: `${Math.round(scan)} ms, find ${Math.round(finding)} ms` }]
  } finally {
    client.close()
  }
}
