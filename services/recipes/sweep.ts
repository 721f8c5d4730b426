import { setImmediate as turn } from 'node:timers/promises'
import { ConflictError } from '../errors.ts'
import type { JobContext, JobSystem } from '../jobs/types.ts'
import type { ProgressHub } from '../progress/types.ts'

type Frame = Record<string, unknown>
export type Counts = Record<string, number>

/** One kind of work that goes over all recipes. */
export interface SweepDefinition {
  /** Of the job, and the key of its progress. */
  kind: string
  title: string
  /** `type` of its frames. */
  frameType: string
  ids (): readonly string[]
  /** Zero of everything that is counted, in the order of the frames. */
  counts (): Counts
  /** Name of a recipe for people. */
  nameOf (id: string): string
  /** Does one recipe and counts it; a failure is counted under `errors`. */
  one (id: string, counts: Counts, signal: AbortSignal): Promise<void>
}

/** Work on all recipes as a job, with the progress that clients poll and listen to. */
export interface Sweep {
  /** @throws ConflictError while this or another one runs */
  start (): void
  /** Between two recipes; nothing happens when none runs. */
  cancel (): void
  /** The frame that was last sent; undefined before the first run. */
  progress (): Frame | undefined
}

export interface Sweeps {
  define (definition: SweepDefinition): Sweep
  /** @throws ConflictError while one runs: for changes of single recipes */
  requireIdle (): void
  isIdle (): boolean
}

export interface SweepsDeps {
  jobs: Pick<JobSystem, 'define' | 'start' | 'cancel' | 'get'>
  hub: Pick<ProgressHub, 'broadcast' | 'snapshot'>
}

const ALONE = 'recipe-sweep'
/** So many recipes without anything to wait for, then requests have their turn. */
const SLICE = 20

/** Only one at a time: they change the same files. */
export function createSweeps ({ jobs, hub }: SweepsDeps): Sweeps {
  let current: string | null = null

  const isRunning = (): boolean => current !== null && jobs.get(current)?.finished_at === null

  function requireIdle (): void {
    if (isRunning()) throw new ConflictError('Recipes are being repaired or matched already', 'sweep-running')
  }

  async function run (definition: SweepDefinition, { id: job, signal, report, checkpoint, recordFailure }: JobContext): Promise<Counts> {
    current = job
    const send = senderOf(definition, hub)
    const ids = definition.ids()
    const counts = definition.counts()
    const total = ids.length
    let done = 0
    try {
      for (const id of ids) {
        await checkpoint()
        if (done % SLICE === 0) await turn()
        send({ status: 'processing', current: done + 1, total, recipe_name: definition.nameOf(id) })
        await definition.one(id, counts, signal).catch((error: unknown) => {
          signal.throwIfAborted()
          counts.errors = (counts.errors ?? 0) + 1
          recordFailure(definition.nameOf(id), error)
        })
        report({ done: ++done, total, unit: 'recipes' })
        signal.throwIfAborted()
      }
    } catch (error) {
      send(signal.aborted ? { status: 'cancelled', current: done, total, ...counts } : { status: 'error', error: 'The work on the recipes could not go on' })
      throw error
    }
    send({ status: 'completed', ...counts, total })
    return { ...counts, total }
  }

  return {
    requireIdle,
    isIdle: () => !isRunning(),
    define (definition) {
      const { kind, title } = definition
      jobs.define<null, Counts>({ kind, title: () => title, exclusiveKey: () => ALONE, run: async (_input, context) => await run(definition, context) })
      return {
        start () {
          requireIdle()
          current = jobs.start(kind, null).id
          senderOf(definition, hub)({ status: 'started' })
        },
        cancel () {
          if (current !== null && isRunning() && jobs.get(current)?.kind === kind) jobs.cancel(current)
        },
        progress: () => hub.snapshot('fetch', kind)
      }
    }
  }
}

function senderOf ({ kind, frameType }: SweepDefinition, hub: SweepsDeps['hub']): (frame: Frame) => void {
  return (frame) => { hub.broadcast('fetch', { type: frameType, ...frame }, { key: kind, coalesce: frame.status === 'processing' }) }
}
