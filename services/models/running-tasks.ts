/**
 * What runs for one model type at a client's request and can be cancelled. Each run has a signal of its own, so that a
 * cancel reaches what runs now and never what starts later.
 */
export interface RunningTasks {
  run<T> (work: (signal: AbortSignal) => Promise<T>): Promise<T>
  cancel (): void
}

export function createRunningTasks (): RunningTasks {
  const running = new Set<AbortController>()
  return {
    async run (work) {
      const controller = new AbortController()
      running.add(controller)
      try {
        return await work(controller.signal)
      } finally {
        running.delete(controller)
      }
    },
    cancel () {
      for (const controller of running) controller.abort(new Error('Cancelled'))
    }
  }
}
