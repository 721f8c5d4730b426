import { createTimedClient } from '../http-client.ts'
import { listUrl, queryKinds } from '../list-queries.ts'
import { atMost, type Measurement } from '../measurement.ts'
import { latencyOf } from './latency.ts'
import type { Part } from './context.ts'

const QUERIES = 65

/** Every kind of list query, each asked in many variants that were never asked before. */
export const lists: Part = async ({ models, library, server }) => {
  const client = createTimedClient(server.base)
  const measurements: Measurement[] = []
  try {
    for (const kind of queryKinds(library)) {
      const paths = Array.from({ length: QUERIES }, (_, n) => listUrl(kind.query(n)))
      const { p50, p99, source } = await latencyOf(client, paths)
      measurements.push({ part: 'lists', name: `list, ${kind.name}`, models, value: p50, unit: 'ms', goal: atMost(kind.goal), note: `p50, ${source} time; p99 ${p99.toFixed(2)} ms` })
    }
  } finally {
    client.close()
  }
  return measurements
}
