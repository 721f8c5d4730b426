import { atMost } from '../measurement.ts'
import type { Part } from './context.ts'

/** Resident megabytes to stay below, by number of models. */
const limits = [{ models: 10_000, megabytes: 120 }, { models: 100_000, megabytes: 350 }]

/** What the process holds after the parts that ran before, so after thousands of queries. */
export const memory: Part = async ({ models, server }) => {
  const limit = limits.find((row) => models <= row.models) ?? limits.at(-1)
  return [{ part: 'memory', name: 'resident memory', models, value: server.residentMegabytes(), unit: 'MB', ...(limit && { goal: atMost(limit.megabytes) }) }]
}
