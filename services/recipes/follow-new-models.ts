import { setImmediate as turn } from 'node:timers/promises'
import { DomainError } from '../errors.ts'
import type { ProgressHub } from '../progress/types.ts'
import type { RecipeShelf } from './ports.ts'
import type { Sweeps } from './sweep.ts'

export interface FollowDeps {
  hub: Pick<ProgressHub, 'subscribe'>
  shelf: Pick<RecipeShelf, 'opened' | 'ids'>
  sweeps: Pick<Sweeps, 'isIdle'>
  /** Binds what a recipe lacks to what the library has now. */
  rematch (id: string): Promise<boolean>
  warn: (message: string, error: unknown) => void
}

/** Models come in crowds: only when none came for so long, recipes are looked through. */
const QUIET_MS = 1000
/** So many recipes, then requests have their turn. */
const SLICE = 50

/**
 * When a model comes into the library, recipes that lack it are bound to it, so that a LoRA that was downloaded for a recipe is not
 * missing there any more. Returns the way to stop.
 */
export function followNewModels ({ hub, shelf, sweeps, rematch, warn }: FollowDeps): () => void {
  let timer: NodeJS.Timeout | undefined
  let running = false
  let stopped = false

  async function lookThrough (): Promise<void> {
    for (const [at, id] of shelf.ids().entries()) {
      if (stopped) return
      if (at % SLICE === 0) await turn()
      await rematch(id).catch((error: unknown) => {
        // One that is gone, or whose disk is away, is matched another time.
        if (!(error instanceof DomainError)) throw error
      })
    }
  }

  function soon (): void {
    if (stopped) return
    clearTimeout(timer)
    timer = setTimeout(begin, QUIET_MS).unref()
  }

  function begin (): void {
    if (running || !shelf.opened || !sweeps.isIdle()) return soon()
    running = true
    lookThrough().catch((error: unknown) => { if (!stopped) warn('recipes could not be matched with new models', error) }).finally(() => { running = false })
  }

  const unsubscribe = hub.subscribe({
    bufferedAmount: 0,
    send (text) {
      if (tellsOfNewModels(text)) soon()
    }
  })

  return () => {
    stopped = true
    clearTimeout(timer)
    unsubscribe()
  }
}

/** Most frames are let by unread. */
function tellsOfNewModels (text: string): boolean {
  if (text.includes('"model.created"')) return true
  if (text.includes('"models.changed"')) return (JSON.parse(text) as { data?: { created?: number } }).data?.created !== 0
  return text.includes('"job.finished"') && text.includes('"hash-')
}
