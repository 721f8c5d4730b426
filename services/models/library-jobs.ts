import { createScanJob } from '../jobs/scan-job.ts'
import type { Job, JobSystem } from '../jobs/types.ts'
import type { LibrarySession } from './session-types.ts'
import { NO_SCAN, type ModelLibrary } from './ports.ts'
import type { ModelType } from './types.ts'

export interface LibraryJobsDeps {
  type: ModelType
  jobs: JobSystem
  /** The session that is open, unless a switch of library is under way. @throws ServiceNotReadyError */
  opened (): LibrarySession
  /** The same without a fault; null also once the library is closed. */
  ready (): LibrarySession | null
}

/** The jobs of one type: at most one scan and one hashing at a time; who asks for more joins what runs. */
export interface LibraryJobs {
  reconcile: ModelLibrary['reconcile']
  /** @throws ServiceNotReadyError */
  startScan (full: boolean): Job
  startHashing (): Job | undefined
  cancel (): void
  /** Resolves when the scan that runs, if any, has ended, however it ended. */
  scanEnded (): Promise<void>
  /** Settles with what runs; undefined when nothing does. */
  underWay (): Promise<unknown> | undefined
}

export function createLibraryJobs ({ type, jobs, opened, ready }: LibraryJobsDeps): LibraryJobs {
  const hashKind = `hash-${type.prefix}`
  let hashing: { job: Job, ended: Promise<unknown> } | null = null

  const scans = createScanJob({
    jobs,
    kind: `scan-${type.prefix}`,
    title: ({ full }) => `${full ? 'Rebuild' : 'Scan'} ${type.label} library`,
    mayStart: opened,
    scan: async (input) => await opened().scan(input),
    cancelled: NO_SCAN
  })
  jobs.define({
    kind: hashKind,
    title: () => `Hash ${type.label} files`,
    exclusiveKey: () => hashKind,
    run: async (_input, context) => await opened().hash(context)
  })

  function startHashing (): Job | undefined {
    if (!ready()) return undefined
    if (hashing) return jobs.get(hashing.job.id)
    const job = jobs.start(hashKind, {})
    const ended = jobs.finished(job.id).then(() => {
      hashing = null
      // Asked for while the last file was being finished.
      if ((ready()?.wanted.size ?? 0) > 0) startHashing()
    }, () => { hashing = null })
    hashing = { job, ended }
    return job
  }

  return {
    reconcile: scans.run,
    startScan: scans.start,
    startHashing,
    cancel () {
      scans.cancel()
      const job = hashing && jobs.get(hashing.job.id)
      if (job && ['queued', 'running', 'paused'].includes(job.state)) jobs.cancel(job.id)
    },
    scanEnded: async () => { await scans.underWay() },
    underWay: () => scans.underWay() ?? hashing?.ended
  }
}
