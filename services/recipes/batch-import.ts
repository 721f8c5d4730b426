import { ConflictError, DomainError } from '../errors.ts'
import type { Job, JobContext, JobSystem } from '../jobs/types.ts'
import type { ProgressHub } from '../progress/types.ts'
import { inAdaptiveLanes, type Strain } from './adaptive-lanes.ts'
import { createBatchBoard, type BatchBoard, type BatchProgress, type BatchSource } from './import-board.ts'

export const BATCH_IMPORT_JOB = 'recipe-batch-import'

export interface BatchInput {
  items: BatchSource[]
  tags: string[]
  skipNoMetadata: boolean
  /** What was imported from the same place before is not imported again. */
  skipDuplicates: boolean
}

/** What became of one image. */
export type ItemOutcome =
  | { status: 'success', recipeId: string, recipeName: string }
  | { status: 'skipped', reason: string, recipeId?: string | undefined }

export interface BatchImportsDeps {
  jobs: Pick<JobSystem, 'define' | 'start' | 'cancel' | 'get'>
  hub: Pick<ProgressHub, 'broadcast' | 'forgetSnapshot'>
  /** Imports one image. Its failures are told, nothing else stops for them. */
  importOne (item: BatchSource, input: BatchInput, signal: AbortSignal): Promise<ItemOutcome>
  now?: () => number
}

/** One batch at a time, a job with progress that clients follow by polling or socket. */
export interface BatchImports {
  /** Answers the id of the operation. @throws ConflictError while another one runs */
  start (input: BatchInput): string
  /** @throws ConflictError while a batch runs: for work before the start */
  requireIdle (): void
  progress (id: string): BatchProgress | undefined
  /** Whether there was one to cancel. */
  cancel (id: string): boolean
}

const LANES = { fewest: 1, start: 3, most: 5 }
const GRACE_MS = 800
const KEPT = 20
const KEPT_MS = 10 * 60 * 1000

export function createBatchImports ({ jobs, hub, importOne, now = Date.now }: BatchImportsDeps): BatchImports {
  const boards = new Map<string, BatchBoard>()

  /** A job that was called off before it began has not said so itself. */
  function running (): BatchBoard | undefined {
    for (const board of boards.values()) {
      if (board.finishedAt === null && jobs.get(board.id)?.finished_at != null) board.end('cancelled')
    }
    return [...boards.values()].find(({ finishedAt }) => finishedAt === null)
  }

  function requireIdle (): void {
    if (running()) throw new ConflictError('Batch import already in progress', 'batch-import-running')
  }

  function evict (): void {
    const ended = [...boards.values()].filter(({ finishedAt }) => finishedAt !== null)
    const tooOld = (now() - KEPT_MS) / 1000
    for (const [at, { id, finishedAt }] of ended.entries()) {
      if (at < ended.length - KEPT || (finishedAt ?? 0) < tooOld) boards.delete(id)
    }
  }

  async function one (board: BatchBoard, at: number, input: BatchInput, { signal, recordFailure }: JobContext): Promise<Strain> {
    const source = input.items[at]
    if (!source) return 'well'
    const begun = now()
    const seconds = (): number => Math.round(now() - begun) / 1000
    board.change(at, { status: 'processing' })
    try {
      const outcome = await importOne(source, input, signal)
      if (outcome.status === 'success') board.change(at, { status: 'success', recipe_id: outcome.recipeId, recipe_name: outcome.recipeName, duration: seconds() })
      else board.change(at, { status: 'skipped', error_message: outcome.reason, recipe_id: outcome.recipeId ?? null, duration: seconds() })
      return 'well'
    } catch (error) {
      if (signal.aborted) {
        board.change(at, { status: 'pending' })
        return 'well'
      }
      const missing = error instanceof DomainError && error.kind === 'not-found'
      if (!missing) recordFailure(source.source, error)
      board.change(at, { status: missing ? 'skipped' : 'failed', error_message: messageOf(error), duration: seconds() })
      return isStrain(error) ? 'strained' : 'well'
    }
  }

  async function run (input: BatchInput, context: JobContext): Promise<Omit<BatchProgress, 'items'>> {
    const board = boards.get(context.id) ?? createBatchBoard(context.id, input.items, { hub, now })
    boards.set(board.id, board)
    // What has begun may end, but nobody waits long for it.
    context.signal.addEventListener('abort', () => { setTimeout(() => { board.end('cancelled') }, GRACE_MS).unref() }, { once: true })
    board.begin()
    const report = (): void => { context.report({ done: board.completed, total: input.items.length, unit: 'images' }) }
    try {
      await inAdaptiveLanes(input.items.keys(), async (at) => {
        const strain = await one(board, at, input, context)
        report()
        return strain
      }, { ...LANES, checkpoint: context.checkpoint })
      board.end('completed')
    } finally {
      board.end('cancelled')
    }
    const { items, ...totals } = board.snapshot()
    return totals
  }

  jobs.define<BatchInput, Omit<BatchProgress, 'items'>>({
    kind: BATCH_IMPORT_JOB,
    title: ({ items }) => `Import ${items.length} images as recipes`,
    exclusiveKey: () => BATCH_IMPORT_JOB,
    run
  })

  return {
    requireIdle,
    start (input) {
      requireIdle()
      evict()
      const { id } = jobs.start(BATCH_IMPORT_JOB, input)
      if (!boards.has(id)) boards.set(id, createBatchBoard(id, input.items, { hub, now }))
      return id
    },
    progress (id) {
      running()
      evict()
      return boards.get(id)?.snapshot() ?? ofAnotherRun(jobs.get(id))
    },
    cancel (id) {
      if (running()?.id !== id) return false
      jobs.cancel(id)
      return true
    }
  }
}

/** What is known of a batch of an earlier run of the server, or of one that is long over: how far it came. */
function ofAnotherRun (job: Job | undefined): BatchProgress | undefined {
  if (job?.kind !== BATCH_IMPORT_JOB) return undefined
  const { done, total } = job.progress
  const failed = job.failures.length
  const seconds = (time: string | null): number | null => time === null ? null : Date.parse(time) / 1000
  const known = typeof job.result === 'object' && job.result !== null ? job.result as Partial<BatchProgress> : {}
  return {
    operation_id: job.id,
    total: total ?? 0,
    completed: done,
    success: done - failed,
    failed,
    skipped: 0,
    current_item: '',
    status: job.state === 'succeeded' ? 'completed' : 'cancelled',
    started_at: seconds(job.started_at),
    finished_at: seconds(job.finished_at),
    progress_percent: total ? Math.round(done / total * 1000) / 10 : 0,
    ...known,
    items: []
  }
}

function messageOf (error: unknown): string {
  return error instanceof DomainError ? error.message : 'The image could not be imported'
}

/** Hosts that ask for patience, or can't be reached: others have to wait. */
function isStrain (error: unknown): boolean {
  const cause: unknown = error instanceof Error ? error.cause : null
  const codes = [error, cause].map((one) => one instanceof DomainError ? one.code : '')
  return codes.some((code) => code === 'rate-limited' || code.startsWith('upstream-') || code === 'host-offline')
}
