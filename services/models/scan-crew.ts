import type { ScanJob, ScanJobResult } from './scan-hand.ts'

/** Other threads that do jobs. */
export interface ScanLanes {
  /** Hands out a job; false when every thread has enough to do. */
  give (number: number, job: ScanJob): boolean
  /** What has been done since it was asked last. @throws what a thread failed with */
  take (): { number: number, result: ScanJobResult }[]
  /** Returns when there may be something to take; false when the scan shall stop. */
  wait (): boolean
}

/** Jobs that are done but wait for an earlier one: rows come in the order of the walk, whoever made them. */
const MOST_AHEAD = 64

/**
 * Has jobs done, by the lanes and, where these have enough, by this thread, and settles them in their order.
 * False when it was stopped; what was settled by then is whole.
 */
export function doScanJobs (jobs: Iterable<ScanJob>, hand: (job: ScanJob) => ScanJobResult, lanes: ScanLanes | null, settle: (job: ScanJob, result: ScanJobResult) => void): boolean {
  const open = new Map<number, { job: ScanJob, result: ScanJobResult | null }>()
  let given = 0
  let settled = 0

  function take (): void {
    for (const { number, result } of lanes?.take() ?? []) {
      const done = open.get(number)
      if (done) done.result = result
    }
  }

  function settleDue (): boolean {
    take()
    for (let next = open.get(settled); next?.result; next = open.get(settled)) {
      open.delete(settled++)
      settle(next.job, next.result)
      if (next.result.count < next.job.names.length) return false
    }
    return true
  }

  /** Until so many jobs at most are under way. */
  function catchUp (most: number): boolean {
    while (given - settled > most) {
      if (lanes?.wait() !== true || !settleDue()) return false
    }
    return true
  }

  for (const job of jobs) {
    if (!catchUp(MOST_AHEAD)) return false
    const number = given++
    const done: { job: ScanJob, result: ScanJobResult | null } = { job, result: null }
    open.set(number, done)
    if (lanes?.give(number, job) !== true) done.result = hand(job)
    if (!settleDue()) return false
  }
  return catchUp(0)
}
