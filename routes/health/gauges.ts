import type { Gauge, Registry } from 'prom-client'
import type { Core } from '../../services/core.ts'

/** Adds the figures of the product to the registry, read anew at each call. */
export default function registerGauges ({ models, jobs, hub }: Pick<Core, 'models' | 'jobs' | 'hub'>): (registry: Registry) => Promise<void> {
  const values: Record<string, { help: string, label: string, read: () => [string, number][] }> = {
    modelshelf_models: { help: 'Listed models by type', label: 'type', read: () => Object.values(models).map(({ type, index }) => [type.prefix, index.size]) },
    modelshelf_jobs: { help: 'Jobs by state', label: 'state', read: () => Object.entries(jobs.counts()) },
    modelshelf_feed_clients: { help: 'Connected readers by channel', label: 'channel', read: () => Object.entries(hub.clients) }
  }
  let gauges: Promise<Map<string, Gauge>> | null = null

  async function add (registry: Registry): Promise<Map<string, Gauge>> {
    const prom = await import('prom-client')
    return new Map(Object.entries(values).map(([name, { help, label }]) => [name, new prom.Gauge({ name, help, labelNames: [label], registers: [registry] })]))
  }

  return async (registry) => {
    gauges ??= add(registry)
    const added = await gauges
    for (const [name, { label, read }] of Object.entries(values)) {
      for (const [key, value] of read()) added.get(name)?.set({ [label]: key }, value)
    }
  }
}
