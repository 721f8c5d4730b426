/** Runs tasks that concern a path one after the other, others side by side. */
export interface PathQueue {
  /** The task's own outcome; a failed task does not hold up the next one. A task must not wait for one of its own paths. */
  run<T> (path: string, task: () => Promise<T> | T): Promise<T>
  /** The same for several paths at once. All are taken in one step, so two such tasks never wait for each other. */
  runAll<T> (paths: readonly string[], task: () => Promise<T> | T): Promise<T>
}

export function createPathQueue (): PathQueue {
  const tails = new Map<string, Promise<unknown>>()

  async function runAll<T> (paths: readonly string[], task: () => Promise<T> | T): Promise<T> {
    const before = paths.flatMap((path) => tails.get(path) ?? [])
    const mine = (async () => {
      await Promise.all(before)
      return await task()
    })()
    const tail = mine.then(() => undefined, () => undefined)
    for (const path of paths) tails.set(path, tail)
    try {
      return await mine
    } finally {
      for (const path of paths) if (tails.get(path) === tail) tails.delete(path)
    }
  }

  return { run: async (path, task) => await runAll([path], task), runAll }
}
