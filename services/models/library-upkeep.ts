import type { Logger } from '../logger.ts'
import type { Clock } from '../progress/clock.ts'
import type { ModelFiles } from './model-files.ts'
import type { MovedModels } from './moved-models.ts'
import type { ModelType } from './types.ts'

export interface LibraryUpkeepDeps {
  type: ModelType
  files: Pick<ModelFiles, 'settleHeirs' | 'writeDue'>
  moved: Pick<MovedModels, 'forgetOld'>
  clock: Clock
  logger: Logger
  signal: AbortSignal
}

/** What is done of itself once a scan or a hash run has ended: heirs of vanished models, sidecars that want to be written. */
export interface LibraryUpkeep {
  /** Begins it, or has what runs look again when it is done. */
  begin (): void
  /** Settles with what runs; null when nothing does. Never rejects. */
  readonly running: Promise<void> | null
}

export function createLibraryUpkeep ({ type, files, moved, clock, logger, signal }: LibraryUpkeepDeps): LibraryUpkeep {
  let running: Promise<void> | null = null
  let again = false

  async function keepUp (): Promise<void> {
    moved.forgetOld(clock.now())
    await files.settleHeirs(signal)
    await files.writeDue(signal)
  }

  function begin (): void {
    if (signal.aborted) return
    if (running) {
      again = true
      return
    }
    again = false
    running = keepUp().catch((error: unknown) => { logger.error({ err: error, type: type.name }, 'sidecars could not be kept up') }).finally(() => {
      running = null
      if (again) begin()
    })
  }

  return { begin, get running () { return running } }
}
