import { once } from 'node:events'
import { DomainError } from '../errors.ts'
import type { JobSystem } from '../jobs/types.ts'
import type { ModelLibrary } from '../models/ports.ts'
import type { SettingsManager } from '../settings/types.ts'
import type { AdoptLayout } from './adopt-layout.ts'
import type { AdoptNaming } from './adopt-naming.ts'
import { namesIn } from './folder-files.ts'
import type { FolderMemory } from './folder-memory.ts'
import { isModelHash } from './model-hash.ts'
import type { ExamplePlace, ExamplePlaces } from './places.ts'
import { NAMING_VERSION, type ProgressFile } from './progress-file.ts'
import { everyTypeOf, gatherTargets, isSettled, untilAll, type Target } from './targets.ts'
import { findUsablePlace } from './usable-place.ts'

/** Brings what older versions or another layout left to the folders and names of now. */
export interface Adoption {
  /** Before a run looks at folders; one at a time. Answers the version of names that all files bear. @throws the signal's reason, errors of the disk */
  prepare (place: ExamplePlace, targets: readonly Target[], signal: AbortSignal): Promise<number>
  /** As a job behind the start, where folders are older than the names of now; again whenever another place is in use. */
  begin (): void
  close (): void
}

export interface AdoptionDeps {
  libraries: readonly ModelLibrary[]
  settings: Pick<SettingsManager, 'libraries'>
  places: ExamplePlaces
  progressFile: ProgressFile
  folderMemory: FolderMemory
  jobs: JobSystem
  adoptLayout: AdoptLayout
  adoptNaming: AdoptNaming
  warn (message: string, error: unknown): void
}

export const ADOPT_NAMING_JOB = 'example-images-naming'

/** Longer is not waited for a first scan and for disks: what can't be told yet is for the next time. */
const SETTLING_MS = 120_000

export function createAdoption (deps: AdoptionDeps): Adoption {
  const { libraries, settings, places, progressFile, folderMemory, jobs, adoptLayout, adoptNaming, warn } = deps
  let closing = new AbortController()
  let last: Promise<unknown> = Promise.resolve()

  /** Who is told to stop does not wait for its turn. */
  async function alone<T> (signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const mine = Promise.race([last, once(signal, 'abort')]).then(async () => {
      signal.throwIfAborted()
      return await work()
    })
    last = Promise.all([last, mine.catch(() => undefined)])
    return await mine
  }

  async function adopt (place: ExamplePlace, targets: readonly Target[], signal: AbortSignal): Promise<number> {
    const { namingVersion } = await progressFile.read(place)
    if (namingVersion >= NAMING_VERSION) {
      await adoptLayout(place, targets, signal)
      return namingVersion
    }
    // The mark speaks for every folder of the library, so all of them have to be there.
    const all = await gatherTargets(libraries, everyTypeOf(libraries), null)
    await adoptLayout(place, all, signal)
    return await adoptNaming(place, all, signal)
  }

  const prepare: Adoption['prepare'] = async (place, targets, signal) => await alone(signal, async () => await adopt(place, targets, signal))

  jobs.define<Pick<ExamplePlace, 'library' | 'root'>, { naming_version: number }>({
    kind: ADOPT_NAMING_JOB,
    title: () => 'Example images under their names of now',
    exclusiveKey: ({ library, root }) => JSON.stringify([ADOPT_NAMING_JOB, library, root]),
    async run ({ library, root }, { signal: cancelled }) {
      const signal = AbortSignal.any([cancelled, closing.signal])
      const waited = AbortSignal.any([signal, AbortSignal.timeout(SETTLING_MS)])
      await untilAll(libraries, isSettled, waited).catch(() => { signal.throwIfAborted() })
      const place = await findUsablePlace(places, settings)
      if ('code' in place) throw new DomainError('invalid', place.code, place.reason)
      if (place.library !== library || place.root !== root) throw new DomainError('conflict', 'library-changed', 'Another library or another folder of example images is in use now')
      await folderMemory.check(place, { trusting: false })
      return { naming_version: await prepare(place, [], signal) }
    }
  })

  async function look (signal: AbortSignal): Promise<void> {
    await untilAll(libraries, ({ opened }) => opened, signal)
    const place = places.find()
    if (!place) return
    // A folder that is away now is looked at when it is used.
    const names = await namesIn(place.libraryRoot) ?? []
    if (!names.some(isModelHash) || (await progressFile.read(place)).namingVersion >= NAMING_VERSION || signal.aborted) return
    jobs.start(ADOPT_NAMING_JOB, { library: place.library, root: place.root })
  }

  return {
    prepare,
    begin () {
      closing.abort(new DomainError('conflict', 'library-changed', 'Another library or another folder of example images is in use now'))
      closing = new AbortController()
      const { signal } = closing
      look(signal).catch((error: unknown) => { if (!signal.aborted) warn('the names of example images could not be looked at', error) })
    },
    close () { closing.abort(new DomainError('unavailable', 'shutting-down', 'The server is stopping')) }
  }
}
