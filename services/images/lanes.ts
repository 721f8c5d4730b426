import { DomainError } from '../errors.ts'

/** Runs tasks a few at a time; what can't wait any more is refused rather than piled up. */
export interface Lanes {
  /** @throws DomainError of kind `unavailable` when too much waits already */
  run<T> (task: () => Promise<T>): Promise<T>
}

export function createLanes (width: number, mostWaiting: number): Lanes {
  const waiting: (() => void)[] = []
  let running = 0

  async function turn (): Promise<void> {
    if (running < width) {
      running++
      return
    }
    if (waiting.length >= mostWaiting) throw new DomainError('unavailable', 'images-busy', 'Too many images are being worked on; try again in a moment')
    // Whoever ends hands its lane over, so `running` stays as it is.
    await new Promise<void>((resolve) => { waiting.push(resolve) })
  }

  return {
    async run (task) {
      await turn()
      try {
        return await task()
      } finally {
        const next = waiting.shift()
        if (next) next()
        else running--
      }
    }
  }
}
