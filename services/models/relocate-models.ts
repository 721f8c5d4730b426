import { createSlices } from '../jobs/slices.ts'
import { newOperationId } from '../journal/journal.ts'
import type { Journal, OperationKind, UnitError } from '../journal/types.ts'
import type { ProgressHub } from '../progress/types.ts'
import type { IndexedModel } from './entry.ts'
import type { ModelLibrary } from './ports.ts'
import type { Relocation } from './relocation.ts'

export interface RelocateDeps {
  library: ModelLibrary
  journal: Journal
  hub: Pick<ProgressHub, 'publish' | 'broadcast'>
}

export interface RelocateRequest {
  kind: OperationKind
  /** The route, or the job, that asked for it. */
  route: string
  summary: string
  relocations: readonly Relocation[]
  /** Folders to be removed afterwards if they are empty then, innermost first. */
  folders?: readonly string[]
  signal?: AbortSignal
  /** After each model; `not-run` ones are not told. */
  onModel?: (outcome: RelocationOutcome) => void
}

export interface RelocationOutcome { relocation: Relocation, error: UnitError | null }

export interface Relocated {
  operation: string
  /** In the order of the request, without those that a cancel left alone. */
  outcomes: RelocationOutcome[]
  /** The moved models as the index has them now, by their new path. */
  models: ReadonlyMap<string, IndexedModel>
}

/** Models settled at once while the journal goes on with the next ones. */
const BATCH = 128
const NOT_RUN = 'not-run'

/**
 * Carries out moves of models as one operation of the journal and brings the index in step before it resolves: what is done
 * is settled while the rest is still on its way. The caller holds the paths.
 */
export async function relocateModels ({ library, journal, hub }: RelocateDeps, request: RelocateRequest): Promise<Relocated> {
  const { kind, route, summary, relocations, folders = [], signal, onModel } = request
  const operation = newOperationId()
  const byKey = new Map(relocations.map((relocation) => [relocation.unit.key, relocation]))
  const settling = createSettling({ library, hub }, operation)
  const outcomes: RelocationOutcome[] = []
  const units = [
    ...relocations.map(({ unit }) => unit),
    ...folders.map((path) => ({ key: `folder:${path}`, label: 'Empty folder', steps: [{ kind: 'rmdir' as const, path }] }))
  ]
  try {
    await journal.run({ id: operation, kind, route, summary, units }, {
      signal,
      onUnit ({ key, ok, error }) {
        const relocation = byKey.get(key)
        if (!relocation || error?.code === NOT_RUN) return
        const outcome = { relocation, error: ok ? null : error ?? null }
        outcomes.push(outcome)
        if (ok) settling.add(relocation)
        onModel?.(outcome)
      }
    })
  } finally {
    await settling.finish()
  }
  return { operation, outcomes, models: settling.models }
}

interface Settling {
  readonly models: ReadonlyMap<string, IndexedModel>
  add (relocation: Relocation): void
  /** Resolves when all is in the index and told. */
  finish (): Promise<void>
}

function createSettling ({ library, hub }: Pick<RelocateDeps, 'library' | 'hub'>, operation: string): Settling {
  const models = new Map<string, IndexedModel>()
  let waiting: Relocation[] = []
  let count = 0
  let fault: { error: unknown } | null = null
  let tail: Promise<void> = Promise.resolve()

  async function settle (moved: readonly Relocation[]): Promise<void> {
    for (const model of await library.settle({ moved })) models.set(model.file_path, model)
    const slice = createSlices()
    for (const { from, to } of moved) {
      hub.publish('model.moved', { model_type: library.type.name, from, to, sha256: models.get(to)?.sha256 ?? '' }, { operation })
      await slice()
    }
  }

  function flush (): void {
    const moved = waiting
    waiting = []
    if (moved.length === 0) return
    tail = tail.then(async () => { await settle(moved) }).catch((error: unknown) => { fault ??= { error } })
  }

  return {
    models,
    add (relocation) {
      count++
      waiting.push(relocation)
      if (waiting.length >= BATCH) flush()
    },
    async finish () {
      flush()
      await tail
      if (count > 0) announce({ library, hub }, operation, count)
      if (fault !== null) throw fault.error
    }
  }
}

function announce ({ library, hub }: Pick<RelocateDeps, 'library' | 'hub'>, operation: string, count: number): void {
  const about = { model_type: library.type.name }
  hub.publish('models.changed', { ...about, created: 0, updated: count, deleted: 0 }, { operation })
  hub.publish('facets.changed', about, { operation })
  hub.broadcast('fetch', { type: 'models_changed' })
}
