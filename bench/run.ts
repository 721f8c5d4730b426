import { rmSync, mkdtempSync } from 'node:fs'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { projectDirectory, writeSettings, type BuiltServer } from './built-server.ts'
import { makeLibrary } from './library.ts'
import { createLoad } from './load-generator.ts'
import { atMost, type Measurement } from './measurement.ts'
import { analysis } from './parts/analysis.ts'
import { changes } from './parts/changes.ts'
import { downloads } from './parts/downloads.ts'
import { examples } from './parts/examples.ts'
import { hashing } from './parts/hashing.ts'
import { lists } from './parts/lists.ts'
import { memory } from './parts/memory.ts'
import { previews } from './parts/previews.ts'
import { recipes } from './parts/recipes.ts'
import { repeated } from './parts/repeated.ts'
import { routes } from './parts/routes.ts'
import { coldScan, listsDuringScan, reconcile } from './parts/scanning.ts'
import { warmStart } from './parts/starting.ts'
import type { Part } from './parts/context.ts'
import { mergeMeasurements, readResults, valueText, writeReport, type Results } from './report.ts'

/** Parts that work on a running server, in the order they run; memory comes last, after all the queries. */
const parts: Record<string, Part> = { lists, routes, repeated, previews, examples, reconcile, changes, memory }
const onLibraries = ['scan', 'start', ...Object.keys(parts)]
const SIZES = [1_000, 20_000, 100_000]
/** Further size that only the memory is measured at. */
const MEMORY_SIZE = 10_000
const SEED = 20

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    sizes: { type: 'string' },
    'dry-run': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false }
  }
})

if (values.help) {
  process.stdout.write(`npm run bench -- [--only ${['scan', 'start', 'hashing', 'downloads', ...Object.keys(parts)].join(',')}] [--sizes ${SIZES.join(',')}] [--dry-run]
--dry-run prints the figures and leaves bench/results.json and README.md alone.
`)
} else {
  await bench()
}

async function bench (): Promise<void> {
  const only = values.only?.split(',')
  const wanted = (part: string) => only?.includes(part) ?? true
  const sizes = values.sizes?.split(',').map(Number) ?? SIZES
  const scratch = mkdtempSync(join(tmpdir(), 'modelshelf-bench-'))
  const clean = () => rmSync(scratch, { recursive: true, force: true })
  process.once('SIGINT', () => { clean(); process.exit(130) })
  const measurements: Measurement[] = []
  try {
    const { load, tool } = await createLoad()
    if (onLibraries.some(wanted)) for (const models of sizes) measurements.push(...await benchSize(models, { scratch, wanted, load }))
    if (values.sizes === undefined && wanted('memory')) {
      measurements.push(...await benchSize(MEMORY_SIZE, { scratch, wanted: (part) => part === 'memory' || part === 'lists', load }).then((rows) => rows.filter(({ part }) => part === 'memory')))
    }
    if (wanted('recipes')) measurements.push(...report(await recipes(scratch)))
    if (wanted('hashing')) measurements.push(...report(await hashing(scratch)))
    if (wanted('analysis')) measurements.push(...report(await analysis(scratch)))
    if (wanted('downloads')) measurements.push(...report(await downloads(scratch)))
    if (!values['dry-run']) save(measurements, tool)
  } finally {
    clean()
  }
}

interface SizeOptions { scratch: string, wanted (part: string): boolean, load: Awaited<ReturnType<typeof createLoad>>['load'] }

/** Makes a library, starts on it cold, then warm, and runs the parts on the warm server. */
async function benchSize (models: number, { scratch, wanted, load }: SizeOptions): Promise<Measurement[]> {
  process.stdout.write(`\n${models.toLocaleString('en')} models\n`)
  const directory = join(scratch, `library-${models}`)
  const settings = join(scratch, `settings-${models}`)
  const library = makeLibrary({ directory, models, seed: SEED })
  writeSettings(settings, directory)
  const measurements: Measurement[] = []
  let server: BuiltServer | undefined
  try {
    const cold = await coldScan(settings, library)
    if (wanted('scan')) {
      writeSettings(`${settings}-probed`, directory)
      measurements.push(...report(cold), ...report(await listsDuringScan(`${settings}-probed`, library)))
    }
    const warm = await warmStart(settings, models)
    server = warm.server
    if (wanted('start')) measurements.push(...report(warm.measurements))
    for (const [name, part] of Object.entries(parts)) {
      if (wanted(name)) measurements.push(...report(await part({ models, library, settings, server, scratch, load })))
    }
  } finally {
    await server?.stop()
    rmSync(directory, { recursive: true, force: true })
    for (const made of [settings, `${settings}-probed`]) rmSync(made, { recursive: true, force: true })
  }
  return measurements
}

function report (measurements: Measurement[]): Measurement[] {
  for (const measurement of measurements) process.stdout.write(`  ${measurement.name.padEnd(48)}${valueText(measurement).padStart(12)}  ${measurement.note ?? ''}\n`)
  return measurements
}

function save (fresh: readonly Measurement[], tool: string): void {
  const files = { results: join(projectDirectory, 'bench', 'results.json'), readme: join(projectDirectory, 'README.md') }
  const merged = mergeMeasurements(readResults(files.results)?.measurements ?? [], fresh)
  const [cpu] = cpus()
  const results: Results = {
    measured_at: new Date().toISOString(),
    machine: { cpu: cpu?.model ?? 'unknown', cores: cpus().length, memory_gb: Math.round(totalmem() / 1024 ** 3), node: process.versions.node, platform: `${process.platform} ${process.arch}`, load_tool: tool },
    measurements: [...merged.filter(({ part }) => part !== 'growth'), ...growth(merged)]
  }
  writeReport(results, files)
}

/** What the slowest kind of list query costs at 100,000 models, against what it costs at 1,000. */
function growth (measurements: readonly Measurement[]): Measurement[] {
  const at = (name: string, models: number) => measurements.find((measurement) => measurement.part === 'lists' && measurement.name === name && measurement.models === models)
  const ratios = measurements.filter(({ part, models }) => part === 'lists' && models === 100_000).flatMap(({ name, value }) => {
    const small = at(name, 1_000)
    return small ? [{ name, ratio: value / small.value }] : []
  })
  const worst = ratios.sort((a, b) => b.ratio - a.ratio)[0]
  if (!worst) return []
  return [{ part: 'growth', name: 'slowest growth of a list query, 100,000 of 1,000 models', models: 100_000, value: worst.ratio, unit: 'ratio', goal: atMost(4), note: worst.name }]
}
