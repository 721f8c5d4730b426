/** Units of one operation that run side by side. */
export interface Lanes {
  /** Begins it as soon as a lane is free, or all of them are for one that runs `apart`. @throws what an earlier one threw */
  start (unit: object, work: () => Promise<void>, apart: boolean): Promise<void>
  /** Within the work of a unit: runs while no other one does. */
  alone<T> (unit: object, work: () => Promise<T>): Promise<T>
  /** Resolves when none runs. @throws what one of them threw */
  idle (): Promise<void>
}

export function createLanes (most: number): Lanes {
  const running = new Map<object, { apart: boolean }>()
  /** Units that wait to be alone, or are: they touch nothing before their turn. */
  const solitary = new Set<object>()
  let working = false
  let waiting: (() => void)[] = []
  let fault: { error: unknown } | null = null

  function changed (): void {
    const woken = waiting
    waiting = []
    for (const wake of woken) wake()
  }

  /** `take` is asked after every change until it says yes; what it takes then is its own before anyone else is asked. */
  async function until (take: () => boolean): Promise<void> {
    while (!take()) await new Promise<void>((resolve) => { waiting.push(resolve) })
  }

  function begin (unit: object, work: () => Promise<void>, apart: boolean): void {
    running.set(unit, { apart })
    work().catch((error: unknown) => { fault ??= { error } }).finally(() => {
      running.delete(unit)
      changed()
    })
  }

  function fits (apart: boolean): boolean {
    if (running.size === 0) return true
    return !apart && running.size < most && solitary.size === 0 && ![...running.values()].some((other) => other.apart)
  }

  async function idle (): Promise<void> {
    await until(() => running.size === 0)
    if (fault !== null) throw fault.error
  }

  return {
    idle,
    start: async (unit, work, apart) => {
      await until(() => {
        if (fault !== null) return true
        if (!fits(apart)) return false
        begin(unit, work, apart)
        return true
      })
      if (fault !== null) await idle()
    },
    async alone (unit, work) {
      solitary.add(unit)
      changed()
      await until(() => {
        if (working || [...running.keys()].some((other) => !solitary.has(other))) return false
        working = true
        return true
      })
      try {
        return await work()
      } finally {
        working = false
        solitary.delete(unit)
        changed()
      }
    }
  }
}
