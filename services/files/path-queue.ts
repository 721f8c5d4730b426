/** Runs tasks that concern a path one after the other, others side by side. */
export interface PathQueue {
  /** The task's own outcome; a failed task does not hold up the next one. A task must not wait for one of its own paths. */
  run<T> (path: string, task: () => Promise<T> | T): Promise<T>
  /** The same for several paths at once. All are taken in one step, so two such tasks never wait for each other. */
  runAll<T> (paths: readonly string[], task: () => Promise<T> | T): Promise<T>
  /** Grows with every task that is begun or ended: equal at two times means that nothing was changed between them. */
  readonly turns: number
  /** Whether any path is held now. */
  readonly busy: boolean
  /** Resolves when no path is held. */
  idle (): Promise<void>
}

export function createPathQueue (): PathQueue {
  const tails = new Map<string, Promise<unknown>>()
  let turns = 0

  async function runAll<T> (paths: readonly string[], task: () => Promise<T> | T): Promise<T> {
    const before = paths.flatMap((path) => tails.get(path) ?? [])
    const mine = (async () => {
      await Promise.all(before)
      return await task()
    })()
    const tail = mine.then(() => undefined, () => undefined)
    for (const path of paths) tails.set(path, tail)
    turns++
    try {
      return await mine
    } finally {
      turns++
      for (const path of paths) if (tails.get(path) === tail) tails.delete(path)
    }
  }

  return {
    run: async (path, task) => await runAll([path], task),
    runAll,
    get turns () { return turns },
    get busy () { return tails.size > 0 },
    async idle () {
      while (tails.size > 0) await Promise.all(tails.values())
    }
  }
}
