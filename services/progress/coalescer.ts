/**
 * Lets an action under one key through at most once per interval; of those that come in between only the newest runs,
 * when the interval is over. So the last one always runs, and a quiet key costs nothing.
 */
export interface Coalescer {
  offer (key: string, action: () => void): void
  /** Runs what waits under the key now, so that whatever follows comes after it. */
  flush (key: string): void
  close (): void
}

interface Slot { waiting: (() => void) | null, timer: NodeJS.Timeout }

export function createCoalescer (intervalMs: number): Coalescer {
  const slots = new Map<string, Slot>()

  function arm (key: string): NodeJS.Timeout {
    return setTimeout(() => { elapsed(key) }, intervalMs).unref()
  }

  function elapsed (key: string): void {
    const slot = slots.get(key)
    if (!slot?.waiting) {
      slots.delete(key)
      return
    }
    const action = slot.waiting
    slot.waiting = null
    slot.timer = arm(key)
    action()
  }

  function flush (key: string): void {
    const slot = slots.get(key)
    if (!slot) return
    clearTimeout(slot.timer)
    slots.delete(key)
    slot.waiting?.()
  }

  return {
    offer (key, action) {
      const slot = slots.get(key)
      if (slot) {
        slot.waiting = action
        return
      }
      slots.set(key, { waiting: null, timer: arm(key) })
      action()
    },
    flush,
    close () {
      for (const key of [...slots.keys()]) flush(key)
    }
  }
}
