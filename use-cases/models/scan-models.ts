import type { Refresher } from '../../services/metadata/refresher.ts'
import type { ModelLibrary, ScanOutcome } from '../../services/models/ports.ts'
import type { Organizer } from '../../services/models/organizer.ts'
import type { RunningTasks } from '../../services/models/running-tasks.ts'
import type { ProgressHub } from '../../services/progress/types.ts'
import type { Updates } from '../../services/updates/types.ts'
import { legacyBoolean, type QueryValue } from '../../services/query-values.ts'

interface Deps { library: ModelLibrary, hub: Pick<ProgressHub, 'broadcast'> }

/** Compares disk and index, or joins the comparison that runs; clients that cache models are told afterwards, also of a cancelled one. */
export const scanModels = ({ library, hub }: Deps) => async (options: { full: QueryValue }): Promise<Pick<ScanOutcome, 'status' | 'message'>> => {
  try {
    const { status, message } = await library.reconcile({ full: legacyBoolean(options.full) })
    return { status, message }
  } finally {
    hub.broadcast('fetch', { type: 'models_changed' })
  }
}

interface Running { library: ModelLibrary, tasks: RunningTasks, organizer: Pick<Organizer, 'cancel'>, refresher: Pick<Refresher, 'cancel'>, updates: Pick<Updates, 'cancel'> }

/** Stops what runs for this type (scan, hashing, changes of many files, fetching metadata, checks for updates); never what starts later. */
export const cancelTask = ({ library, tasks, organizer, refresher, updates }: Running) => (): { status: 'success', message: string } => {
  library.cancel()
  tasks.cancel()
  organizer.cancel(library.type.name)
  refresher.cancel(library.type.name)
  updates.cancel(library.type.name)
  return { status: 'success', message: `${library.type.label} task cancellation requested` }
}
