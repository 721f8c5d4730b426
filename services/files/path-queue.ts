/** Runs tasks that concern one path one after the other, others side by side. */
export interface PathQueue {
  /** The task's own outcome; a failed task does not hold up the next one. */
  run<T> (path: string, task: () => Promise<T> | T): Promise<T>
}

export function createPathQueue (): PathQueue {
  const tails = new Map<string, Promise<unknown>>()
  return {
    async run (path, task) {
      const before = tails.get(path)
      const mine = (async () => {
        if (before) await before
        return await task()
      })()
      const tail = mine.then(() => undefined, () => undefined)
      tails.set(path, tail)
      try {
        return await mine
      } finally {
        if (tails.get(path) === tail) tails.delete(path)
      }
    }
  }
}
