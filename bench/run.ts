import { rmSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { writeSettings } from './built-server.ts'
import { createFigures, type Figures } from './figures.ts'
import { makeLibrary } from './library.ts'
import { createLoad, type Load } from './load-generator.ts'
import type { Measurement } from './measurement.ts'
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

/** Parts that work on a running server, in the order they run; memory comes last, after all the queries. */
const onServer: Record<string, Part> = { lists, routes, repeated, previews, examples, reconcile, changes, memory }
const onLibrary = ['scan', 'start', ...Object.keys(onServer)]
/** Parts with libraries, files or recipes of their own. */
const apart: Record<string, (scratch: string) => Promise<Measurement[]>> = { recipes, hashing, analysis, downloads }
/** What is measured at which size; the memory of a mid-sized library has a goal of its own. */
const sizes = [
  { models: 1_000, measured: onLibrary },
  { models: 10_000, measured: ['memory'] },
  { models: 20_000, measured: onLibrary },
  { models: 100_000, measured: onLibrary }
]
const SEED = 20

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    sizes: { type: 'string' },
    resume: { type: 'boolean', default: false },
    'dry-run': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false }
  }
})

if (values.help) {
  process.stdout.write(`npm run bench -- [--only ${[...onLibrary, ...Object.keys(apart)].join(',')}] [--sizes ${sizes.map(({ models }) => models).join(',')}] [--resume] [--dry-run]
--resume leaves out what a run of the last hours has measured already; --dry-run prints the figures and leaves bench/results.json and README.md alone.
`)
} else {
  await bench()
}

async function bench (): Promise<void> {
  const only = values.only?.split(',')
  const asked = values.sizes?.split(',').map(Number)
  const scratch = mkdtempSync(join(tmpdir(), 'modelshelf-bench-'))
  const clean = () => rmSync(scratch, { recursive: true, force: true })
  process.once('SIGINT', () => { clean(); process.exit(130) })
  try {
    const { load, tool } = await createLoad()
    const figures = createFigures({ tool, dryRun: values['dry-run'] })
    const isWanted = (part: string, models: number | null): boolean => (only?.includes(part) ?? true) && !(values.resume && figures.has(part, models))
    for (const models of asked ?? sizes.map((size) => size.models)) {
      const measured = sizes.find((size) => size.models === models)?.measured ?? onLibrary
      const wanted = measured.filter((part) => isWanted(part, models))
      if (wanted.length > 0) await benchSize(models, { scratch, wanted, load, figures })
    }
    for (const [name, part] of Object.entries(apart)) {
      // They have no size: who asks for sizes alone does not want them.
      if ((asked !== undefined && only === undefined) || !isWanted(name, null)) continue
      process.stdout.write(`\n${name}\n`)
      figures.keep(await part(scratch))
    }
  } finally {
    clean()
  }
}

interface SizeOptions { scratch: string, wanted: readonly string[], load: Load, figures: Figures }

/** Makes a library, starts on it cold, then warm, and runs the parts on the warm server. */
async function benchSize (models: number, { scratch, wanted, load, figures }: SizeOptions): Promise<void> {
  process.stdout.write(`\n${models.toLocaleString('en')} models\n`)
  const directory = join(scratch, `library-${models}`)
  const settings = join(scratch, `settings-${models}`)
  const library = makeLibrary({ directory, models, seed: SEED })
  writeSettings(settings, directory)
  try {
    const cold = await coldScan(settings, library)
    if (wanted.includes('scan')) {
      writeSettings(`${settings}-probed`, directory)
      figures.keep([...cold, ...await listsDuringScan(`${settings}-probed`, library)])
    }
    const { server, measurements } = await warmStart(settings, models)
    try {
      if (wanted.includes('start')) figures.keep(measurements)
      for (const [name, part] of Object.entries(onServer)) {
        // What a process holds is told after thousands of queries.
        const onlyAsked = name === 'lists' && wanted.includes('memory')
        if (!wanted.includes(name) && !onlyAsked) continue
        const found = await part({ models, library, settings, server, scratch, load })
        if (wanted.includes(name)) figures.keep(found)
      }
    } finally {
      await server.stop()
    }
  } finally {
    for (const made of [directory, settings, `${settings}-probed`]) rmSync(made, { recursive: true, force: true })
  }
}
