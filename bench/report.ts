import { readFileSync, writeFileSync } from 'node:fs'
import { reached, type Measurement } from './measurement.ts'

export interface Results {
  /** ISO 8601 UTC */
  measured_at: string
  machine: { cpu: string, cores: number, memory_gb: number, node: string, platform: string, load_tool: string }
  measurements: Measurement[]
}

/** New figures over former ones of the same machine: running one part again keeps the others. */
export function mergeMeasurements (former: readonly Measurement[], fresh: readonly Measurement[]): Measurement[] {
  const key = ({ name, models }: Measurement) => `${name} ${models}`
  const replaced = new Map(fresh.map((measurement) => [key(measurement), measurement]))
  const merged = former.map((measurement) => {
    const better = replaced.get(key(measurement))
    replaced.delete(key(measurement))
    return better ?? measurement
  })
  return [...merged, ...replaced.values()]
}

/** One row per figure, one column per size of the library; figures that miss their goal are in bold. */
export function resultsTable ({ measured_at: measuredAt, machine, measurements }: Results): string {
  const sizes = [...new Set(measurements.flatMap(({ models }) => models === null ? [] : [models]))].sort((a, b) => a - b)
  const rows = [...new Set(measurements.map(({ name }) => name))].map((name) => {
    const own = measurements.filter((measurement) => measurement.name === name)
    const cells = sizes.map((models) => cell(own.find((measurement) => measurement.models === models)))
    const general = own.find(({ models }) => models === null)
    if (general) cells[cells.length - 1] = cell(general)
    return `| ${name} | ${cells.join(' | ')} | ${goalText(own.at(-1))} |`
  })
  const missed = measurements.filter((measurement) => reached(measurement) === false).length
  return [
    `Measured ${measuredAt.slice(0, 10)} on ${machine.cores} × ${machine.cpu}, ${machine.memory_gb} GB, ${machine.platform}, Node ${machine.node}, load by ${machine.load_tool}; list and route figures are the median of queries that were never asked before.`,
    missed === 0 ? 'Every goal is reached.' : `${missed} of ${measurements.filter(({ goal }) => goal).length} figures miss their goal (bold).`,
    '',
    `| | ${sizes.map((size) => `${size.toLocaleString('en')} models`).join(' | ')} | goal |`,
    `|---|${sizes.map(() => '--:|').join('')}--:|`,
    ...rows
  ].join('\n')
}

/** Puts the table between the markers of that name in a document. @throws Error when it has none. */
export function replaceTable (document: string, table: string, name = 'bench'): string {
  const [opening, closing] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`]
  const start = document.indexOf(opening)
  const end = document.indexOf(closing)
  if (start < 0 || end < start) throw new Error(`no ${opening} … ${closing} to put the table between`)
  return `${document.slice(0, start + opening.length)}\n${table}\n${document.slice(end)}`
}

export function readResults (file: string): Results | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Results
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

export function writeReport (results: Results, files: { results: string, readme: string }): void {
  writeFileSync(files.results, `${JSON.stringify(results, null, 2)}\n`)
  writeFileSync(files.readme, replaceTable(readFileSync(files.readme, 'utf8'), resultsTable(results)))
}

function cell (measurement: Measurement | undefined): string {
  if (!measurement) return ''
  const text = valueText(measurement)
  return reached(measurement) === false ? `**${text}**` : text
}

export function valueText ({ value, unit }: Pick<Measurement, 'value' | 'unit'>): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2
  const text = value.toFixed(digits)
  if (unit === 'ratio') return `${text} ×`
  return `${text} ${unit === 'per second' ? '/s' : unit}`
}

function goalText (measurement: Measurement | undefined): string {
  if (!measurement?.goal) return ''
  const { bound, value } = measurement.goal
  return `${bound === 'most' ? '≤' : '≥'} ${measurement.unit === 'ratio' ? `${value} ×` : `${value} ${measurement.unit}`}`
}
