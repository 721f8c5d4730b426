import { readFileSync, writeFileSync } from 'node:fs'
import { reached, type Measurement } from './measurement.ts'

export interface Results {
  /** ISO 8601 UTC */
  measured_at: string
  machine: { cpu: string, cores: number, memory_gb: number, node: string, platform: string, load_tool: string }
  measurements: Measurement[]
}

/** A run may take several goes; what was measured longer before the last of them is marked as older. */
export const ONE_RUN_MS = 6 * 3_600_000

/** Whether a figure belongs to the run that ended at a moment. */
export function belongsTo (ended: string, { measured_at: at = ended }: Measurement): boolean {
  return Date.parse(ended) - Date.parse(at) < ONE_RUN_MS
}

/** New figures over former ones of the same machine: running one part again keeps the others, and what that part no longer measures goes. */
export function mergeMeasurements (former: readonly Measurement[], fresh: readonly Measurement[]): Measurement[] {
  const key = ({ name, models }: Measurement) => `${name} ${models}`
  const partOf = ({ part, models }: Measurement) => `${part} ${models}`
  const replaced = new Map(fresh.map((measurement) => [key(measurement), measurement]))
  const renewed = new Set(fresh.map(partOf))
  const merged = former.flatMap((measurement) => {
    const better = replaced.get(key(measurement))
    replaced.delete(key(measurement))
    return better ?? (renewed.has(partOf(measurement)) ? [] : measurement)
  })
  return [...merged, ...replaced.values()]
}

/** One row per figure, one column per size of the library; figures that miss their goal are in bold, those of an earlier run have a mark. */
export function resultsTable (results: Results): string {
  const { measured_at: measuredAt, machine, measurements } = results
  const sizes = [...new Set(measurements.flatMap(({ models }) => models === null ? [] : [models]))].sort((a, b) => a - b)
  const older = [...new Set(measurements.flatMap((measurement) => belongsTo(measuredAt, measurement) ? [] : [dayOf(measurement.measured_at)]))].sort().reverse()
  const cell = (measurement: Measurement | undefined): string => {
    if (!measurement) return ''
    const text = valueText(measurement)
    const mark = belongsTo(measuredAt, measurement) ? '' : `<sup>${older.indexOf(dayOf(measurement.measured_at)) + 1}</sup>`
    return (reached(measurement) === false ? `**${text}**` : text) + mark
  }
  const rows = [...new Set(measurements.map(({ name }) => name))].map((name) => {
    const own = measurements.filter((measurement) => measurement.name === name)
    const cells = sizes.map((models) => cell(own.find((measurement) => measurement.models === models)))
    const general = own.find(({ models }) => models === null)
    if (general) cells[cells.length - 1] = cell(general)
    return `| ${name} | ${cells.join(' | ')} | ${goalsText(own)} |`
  })
  return [
    `Measured ${dayOf(measuredAt)} on ${machine.cores} × ${machine.cpu}, ${machine.memory_gb} GB, ${machine.platform}, Node ${machine.node}, load by ${machine.load_tool}; list and route figures are the median of queries that were never asked before.`,
    missedText(measurements),
    '',
    `| | ${sizes.map((size) => `${size.toLocaleString('en')} models`).join(' | ')} | goal |`,
    `|---|${sizes.map(() => '--:|').join('')}--:|`,
    ...rows,
    ...older.length === 0 ? [] : ['', ...older.map((day, index) => `<sup>${index + 1}</sup> Not measured again since ${day}.  `)]
  ].join('\n')
}

const dayOf = (moment = ''): string => moment.slice(0, 10)

function missedText (measurements: readonly Measurement[]): string {
  const missed = measurements.filter((measurement) => reached(measurement) === false).length
  return missed === 0 ? 'Every goal is reached.' : `${missed} of ${measurements.filter(({ goal }) => goal).length} figures miss their goal (bold).`
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

export function valueText ({ value, unit }: Pick<Measurement, 'value' | 'unit'>): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2
  const text = value.toFixed(digits)
  if (unit === 'ratio') return `${text} ×`
  return `${text} ${unit === 'per second' ? '/s' : unit}`
}

/** Some goals grow with the library: each is told once, the one of the smallest first. */
function goalsText (measurements: readonly Measurement[]): string {
  const bySize = [...measurements].sort((a, b) => (a.models ?? 0) - (b.models ?? 0))
  return [...new Set(bySize.flatMap(goalText))].join(', ')
}

function goalText ({ goal, unit }: Measurement): string[] {
  return goal ? [`${goal.bound === 'most' ? '≤' : '≥'} ${unit === 'ratio' ? `${goal.value} ×` : `${goal.value} ${unit}`}`] : []
}
