import { parseArgs } from 'node:util'
import { MOST_MS, fuzz } from './fuzz.ts'

/** What the heap may have grown by; a leak of one small object an input would be more. */
const MOST_GROWTH = 16 * 1024 ** 2
const { values } = parseArgs({ options: { inputs: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' }, help: { type: 'boolean', default: false } } })

if (values.help) process.stdout.write('npm run fuzz -- [--inputs N] [--seed N]\nMutated texts and files through all readers of metadata and all parsers; fails when one throws, hangs or leaks.\n')
else process.exitCode = await run(Number(values.inputs), Number(values.seed))

async function run (inputs: number, seed: number): Promise<number> {
  const began = performance.now()
  const { understood, thrown, slow, slowestMs, growth } = await fuzz({ inputs, seed, progress: (done) => { process.stdout.write(`${done.toLocaleString('en')} inputs\n`) } })
  for (const { error, input } of thrown.slice(0, 20)) process.stdout.write(`threw ${error}\n  ${input.slice(0, 2000)}\n`)
  for (const { ms, input } of slow.slice(0, 20)) process.stdout.write(`took ${ms.toFixed(0)} ms\n  ${input.slice(0, 2000)}\n`)
  process.stdout.write(`${inputs.toLocaleString('en')} inputs (seed ${seed}) in ${((performance.now() - began) / 1000).toFixed(1)} s: ${understood.toLocaleString('en')} understood, ${thrown.length} threw, ${slow.length} took longer than ${MOST_MS} ms (slowest ${slowestMs.toFixed(1)} ms), heap ${growth >= 0 ? '+' : ''}${(growth / 1024 ** 2).toFixed(1)} MB\n`)
  return thrown.length + slow.length === 0 && growth < MOST_GROWTH ? 0 : 1
}
