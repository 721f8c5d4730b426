import { DomainError, InvalidInputError } from '../../services/errors.ts'
import { busyError, cleanUp, type CleanUpOptions, type CleanUpReport } from '../../services/example-images/clean-up.ts'
import type { ExampleImages } from '../../services/example-images/example-images.ts'
import type { JobSystem } from '../../services/jobs/types.ts'
import type { Journal } from '../../services/journal/types.ts'
import type { SettingsManager } from '../../services/settings/types.ts'
import { coded, requirePlace } from './require-place.ts'

interface Deps extends Pick<ExampleImages, 'places' | 'libraries' | 'downloader'> {
  settings: Pick<SettingsManager, 'libraries'>
  journal: Pick<Journal, 'run'>
  jobs: JobSystem
}

const KIND = 'example-images-clean-up'
const conflicts = new Set(['library-not-ready', 'too-many-orphans', 'download-in-progress'])

/**
 * Moves folders of models that are gone to the bin, as a job; with `dry_run` it only tells which.
 * @throws DomainError with `error_code`: 400 for a folder that is none of ours, 409 while the index can't tell, 500 when nothing could be moved
 */
export const cleanUpFolders = ({ places, libraries, downloader, settings, journal, jobs }: Deps) => {
  const work = { libraries, journal }
  jobs.define<CleanUpOptions, CleanUpReport>({
    kind: KIND,
    title: () => 'Clean up example images',
    exclusiveKey: () => KIND,
    run: async (options, context) => {
      if (downloader.isRunning()) throw busyError()
      return await cleanUp(work, await requirePlace(places, settings), options, context)
    }
  })

  return async ({ dry_run: dryRun, confirm }: { dry_run?: unknown, confirm?: unknown }): Promise<CleanUpReport> => {
    const options = { dryRun: flag(dryRun, 'dry_run'), confirm: flag(confirm, 'confirm') }
    const place = await requirePlace(places, settings)
    if (options.dryRun) return await cleanUp(work, place, options, { signal: new AbortController().signal, report: () => undefined })
    const { state, error, result } = await jobs.finished(jobs.start(KIND, options).id)
    if (state !== 'succeeded') throw coded(conflicts.has(error?.code ?? '') ? 'conflict' : 'failed', error?.code ?? 'cancelled', error?.message ?? 'The clean-up was cancelled')
    const report = result as CleanUpReport
    if (!report.success && !report.partial_success) throw new DomainError('failed', 'clean-up-failed', report.errors[0] ?? 'Nothing could be moved', { ...report })
    return report
  }
}

function flag (value: unknown, name: string): boolean {
  if (value === undefined || value === null) return false
  if (typeof value !== 'boolean') throw new InvalidInputError(`"${name}" must be true or false`)
  return value
}
