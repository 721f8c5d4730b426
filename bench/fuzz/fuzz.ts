import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { readImageMetadata } from '../../services/images/read-metadata.ts'
import { parseImage, parseMeta, parseText } from '../../services/recipes/parsers/index.ts'
import { createRandom } from '../random.ts'
import { createCorpus } from './corpus.ts'
import { mutateBytes, mutateText } from './mutate.ts'

/** An input takes no longer than this, in milliseconds of the processor: the machine may be busy with others. */
export const MOST_MS = 50

export interface FuzzReport {
  inputs: number
  /** Inputs that something was read out of. */
  understood: number
  /** What was thrown, with the input as JSON text or hex. */
  thrown: { error: string, input: string }[]
  /** Inputs that took too long whenever they were tried. */
  slow: { ms: number, input: string }[]
  slowestMs: number
  /** Bytes on the heap after collection, at the end against after the first tenth. */
  growth: number
}

/** Mutated texts and files through all carriers and parsers. The same seed gives the same inputs. */
export async function fuzz ({ inputs, seed, progress }: { inputs: number, seed: number, progress?: (done: number) => void }): Promise<FuzzReport> {
  const random = createRandom(seed)
  const { texts, files } = createCorpus()
  const report: FuzzReport = { inputs, understood: 0, thrown: [], slow: [], slowestMs: 0, growth: 0 }
  const collect = garbageCollector()
  let heap = 0
  for (let n = 0; n < inputs; n++) {
    const input = random.chance(0.4) ? mutateBytes(random.pick(files), random) : mutateText(random.pick(texts), random)
    await tryInput(input, report)
    if (n === Math.floor(inputs / 10)) heap = collect()
    if (n % 5000 === 4999) progress?.(n + 1)
  }
  report.growth = collect() - heap
  return report
}

async function tryInput (input: string | Buffer, report: FuzzReport): Promise<void> {
  const shown = (): string => typeof input === 'string' ? JSON.stringify(input) : input.toString('hex')
  try {
    // What is slow once must be slow again: collecting garbage and compiling fall on any input.
    let fastest = Infinity
    for (let tries = 0; tries < 3 && fastest > MOST_MS; tries++) {
      const began = process.cpuUsage()
      const understood = await read(input)
      const { user, system } = process.cpuUsage(began)
      fastest = Math.min(fastest, (user + system) / 1000)
      if (understood && tries === 0) report.understood++
    }
    report.slowestMs = Math.max(report.slowestMs, fastest)
    if (fastest > MOST_MS) report.slow.push({ ms: fastest, input: shown() })
  } catch (error) {
    report.thrown.push({ error: error instanceof Error ? error.stack ?? error.message : String(error), input: shown() })
  }
}

async function read (input: string | Buffer): Promise<boolean> {
  if (typeof input !== 'string') return parseImage(await readImageMetadata(input)) !== null
  const parsed = parseText(input)
  const meta = asObject(input)
  return parsed !== null || (meta !== null && parseMeta(meta) !== null)
}

function asObject (text: string): object | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' ? value : null
  } catch {
    return null
  }
}

/** Collects garbage and answers what is left on the heap. */
function garbageCollector (): () => number {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  return () => {
    gc()
    return process.memoryUsage().heapUsed
  }
}
