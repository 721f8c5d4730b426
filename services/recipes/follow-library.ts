import { setImmediate as turn } from 'node:timers/promises'
import { DomainError } from '../errors.ts'
import type { ProgressHub } from '../progress/types.ts'
import type { RecipeShelf } from './ports.ts'
import type { Sweeps } from './sweep.ts'

export interface FollowDeps {
  hub: Pick<ProgressHub, 'subscribe'>
  shelf: Pick<RecipeShelf, 'opened' | 'ids'>
  sweeps: Pick<Sweeps, 'isIdle'>
  /** Whether files may be written that nobody edits. */
  mayWrite: () => boolean
  /** Binds what a recipe lacks to what the library has now. */
  rematch (id: string): Promise<boolean>
  /** Adds to a recipe what the library knows for certain. */
  fill (id: string): Promise<boolean>
  warn: (message: string, error: unknown) => void
}

type News = 'models' | 'recipes'

/** News come in crowds: only when none came for so long, recipes are looked through. */
const QUIET_MS = 1000
/** So many recipes, then requests have their turn. */
const SLICE = 50

/**
 * When a model comes into the library, recipes that lack it are bound to it, so that a LoRA that was downloaded for a recipe is not
 * missing there any more; when a scan finds recipes that other programs wrote, they are told what the library knows of their
 * LoRAs. Returns the way to stop.
 */
export function followLibrary ({ hub, shelf, sweeps, mayWrite, rematch, fill, warn }: FollowDeps): () => void {
  const waiting = new Set<News>()
  let timer: NodeJS.Timeout | undefined
  let running = false
  let stopped = false

  async function lookThrough (change: (id: string) => Promise<boolean>): Promise<void> {
    for (const [at, id] of shelf.ids().entries()) {
      if (stopped) return
      if (at % SLICE === 0) await turn()
      await change(id).catch((error: unknown) => {
        // One that is gone, or whose disk is away, is looked at another time.
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
    // a rematch does all that filling does
    const change = waiting.has('models') ? rematch : fill
    waiting.clear()
    if (!mayWrite()) return
    running = true
    lookThrough(change).catch((error: unknown) => { if (!stopped) warn('recipes do not follow the library', error) }).finally(() => { running = false })
  }

  const unsubscribe = hub.subscribe({
    bufferedAmount: 0,
    send (text) {
      const news = newsIn(text)
      if (news === null) return
      waiting.add(news)
      soon()
    }
  })

  return () => {
    stopped = true
    clearTimeout(timer)
    unsubscribe()
  }
}

interface Frame { operation?: string, data?: { created?: number, updated?: number } }

/** Most frames are let by unread. Changes of recipes that requests made are operations; those that a scan found are none. */
function newsIn (text: string): News | null {
  if (text.includes('"model.created"')) return 'models'
  if (text.includes('"models.changed"')) return (JSON.parse(text) as Frame).data?.created !== 0 ? 'models' : null
  if (text.includes('"job.finished"') && text.includes('"hash-')) return 'models'
  if (!text.includes('"recipes.changed"')) return null
  const { operation, data } = JSON.parse(text) as Frame
  return operation === undefined && (data?.created ?? 0) + (data?.updated ?? 0) > 0 ? 'recipes' : null
}
