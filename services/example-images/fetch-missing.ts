import type { Absences } from './absences.ts'
import type { FetchImage, ImageOutcome } from './fetch-image.ts'
import type { MakeRoom } from './make-room.ts'
import type { RunContext } from './process-model.ts'
import type { ShrinkSaved } from './shrink-saved.ts'
import { wantedUrl } from './sidecar-images.ts'
import type { Target } from './targets.ts'

/** What came of the images of one model, by address, and how many were asked for. */
export interface Harvest { outcomes: Map<string, ImageOutcome>, asked: number }

export interface Fetching {
  target: Pick<Target, 'hash' | 'name'>
  folder: string
  /** Places that have a file; those that get one are added. */
  present: Set<number>
  /** Added to; what it knows already is not asked for again. */
  harvest: Harvest
  signal: AbortSignal
}

const AT_ONCE = 3

export interface FetchMissingDeps {
  absences: Absences
  fetchImage: FetchImage
  shrinkSaved: ShrinkSaved
  makeRoom: MakeRoom
}

/** What of the list has no file yet, or all of it in a run that overwrites, a few at once. @throws the signal's reason, faults of the folder as a whole */
export function createFetchMissing ({ absences, fetchImage, shrinkSaved, makeRoom }: FetchMissingDeps) {
  return async (images: readonly unknown[], { target, folder, present, harvest, signal }: Fetching, run: RunContext): Promise<void> => {
    const { hash } = target
    const known = absences.of(hash)
    const queue = images.flatMap((image, position) => {
      const url = wantedUrl(image)
      const settled = url !== undefined && !run.named && !run.reprocess && absences.isSettled(known.get(url))
      return url === undefined || settled || (present.has(position) && !run.overwrite) || harvest.outcomes.has(url) ? [] : [{ url, position }]
    })
    let stopped = false
    const work = async (): Promise<void> => {
      for (let next = queue.shift(); next && !stopped; next = queue.shift()) {
        await run.gate()
        const { url, position } = next
        harvest.asked++
        const outcome = await fetchImage({ url, optimize: run.optimize, place: run.place, folder, stem: `image_${position}`, signal, onWait: run.tracker.waiting, ...(run.overwrite && { makeRoom: async () => { await makeRoom({ place: run.place, target, folder, position }) } }) })
        harvest.outcomes.set(url, outcome)
        if (outcome.kind === 'saved') {
          await shrinkSaved(folder, outcome.name)
          present.add(position)
          if (known.has(url)) absences.forget(hash, url)
        }
        // What is left would fare no better.
        if (outcome.kind === 'offline' || outcome.kind === 'rate-limited') stopped = true
      }
    }
    const workers = Array.from({ length: Math.min(AT_ONCE, queue.length) }, () => work().catch((error: unknown) => {
      stopped = true
      throw error
    }))
    const failed = (await Promise.allSettled(workers)).find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }
}
