import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { projectDirectory } from './built-server.ts'
import { atMost, type Measurement } from './measurement.ts'
import { mergeMeasurements, ONE_RUN_MS, readResults, valueText, writeReport } from './report.ts'

/** What was measured, kept as soon as it is there, so that a run that was broken off can go on. */
export interface Figures {
  /** Whether a part was measured at a size (null: where the size does not matter) in the last hours. */
  has (part: string, models: number | null): boolean
  keep (measurements: readonly Measurement[]): void
}

export function createFigures ({ tool, dryRun }: { tool: string, dryRun: boolean }): Figures {
  const files = { results: join(projectDirectory, 'bench', 'results.json'), readme: join(projectDirectory, 'README.md') }
  const former = readResults(files.results)
  let measurements = (former?.measurements ?? []).map((measurement) => ({ measured_at: former?.measured_at ?? '', ...measurement }))

  return {
    has: (name, size) => measurements.some(({ part, models, measured_at: at }) => part === name && models === size && Date.now() - Date.parse(at) < ONE_RUN_MS),
    keep (fresh) {
      for (const measurement of fresh) process.stdout.write(`  ${measurement.name.padEnd(48)}${valueText(measurement).padStart(12)}  ${measurement.note ?? ''}\n`)
      if (dryRun || fresh.length === 0) return
      const now = new Date().toISOString()
      const dated = (list: readonly Measurement[]) => list.map((measurement) => ({ ...measurement, measured_at: measurement.measured_at ?? now }))
      const merged = mergeMeasurements(measurements, dated(fresh)).filter(({ part }) => part !== 'growth')
      measurements = dated([...merged, ...growth(merged)])
      writeReport({ measured_at: now, machine: machine(tool), measurements }, files)
    }
  }
}

function machine (tool: string) {
  const [cpu] = cpus()
  return { cpu: cpu?.model ?? 'unknown', cores: cpus().length, memory_gb: Math.round(totalmem() / 1024 ** 3), node: process.versions.node, platform: `${process.platform} ${process.arch}`, load_tool: tool }
}

/** What the slowest kind of list query costs at 100,000 models, against what it costs at 1,000. */
function growth (measurements: readonly Measurement[]): Measurement[] {
  const at = (name: string, models: number) => measurements.find((measurement) => measurement.part === 'lists' && measurement.name === name && measurement.models === models)
  const ratios = measurements.filter(({ part, models }) => part === 'lists' && models === 100_000).flatMap((large) => {
    const small = at(large.name, 1_000)
    return small ? [{ large, small, ratio: large.value / small.value }] : []
  })
  const worst = ratios.sort((a, b) => b.ratio - a.ratio)[0]
  if (!worst) return []
  const { large, small, ratio } = worst
  const older = [large.measured_at, small.measured_at].filter((at) => at !== undefined).sort()[0]
  return [{
    part: 'growth',
    name: 'slowest growth of a list query, 100,000 of 1,000 models',
    models: 100_000,
    value: ratio,
    unit: 'ratio',
    goal: atMost(4),
    note: `${large.name}: ${large.value.toFixed(2)} of ${small.value.toFixed(2)} ms`,
    ...older === undefined ? {} : { measured_at: older }
  }]
}
