import { createTimedClient } from '../http-client.ts'
import { ratio } from '../load-generator.ts'
import { atLeast, type Measurement } from '../measurement.ts'
import { startBaseline } from '../reference-servers.ts'
import type { Part } from './context.ts'

/** The same list again and again, against node:http answering the same bytes as a constant. */
export const repeated: Part = async ({ models, server, scratch, load }) => {
  const measurements: Measurement[] = []
  const client = createTimedClient(server.base)
  try {
    for (const size of [20, 100]) {
      const url = `${server.base}/api/lm/loras/list?page_size=${size}&sort_by=name`
      const { body, status } = await client.get(url)
      if (status !== 200) throw new Error(`the list answered ${status}`)
      const baseline = await startBaseline(scratch, body, 'application/json; charset=utf-8')
      try {
        const result = await ratio(load, { url, pid: server.pid }, { url: baseline.base, pid: baseline.pid })
        measurements.push({
          part: 'repeated',
          name: `repeated list of ${size}, of bare node:http`,
          models,
          value: result.ratio,
          unit: 'ratio',
          goal: atLeast(0.65),
          note: `${Math.round(result.ours)} of ${Math.round(result.reference)} requests/s, ${body.length} bytes`
        })
      } finally {
        await baseline.stop()
      }
    }
  } finally {
    client.close()
  }
  return measurements
}
