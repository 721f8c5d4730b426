/** How one piece of work went: `strained` means that a host asked for patience or did not answer. */
export type Strain = 'well' | 'strained'

export interface AdaptiveOptions {
  fewest: number
  start: number
  most: number
  /** Called before each piece; rejects when no more is to begin. */
  checkpoint: () => Promise<void>
}

/** So many pieces in a row that went well allow one lane more. */
const STREAK = 8

/**
 * Does the work for every item in order, a few at a time: one lane more after a good while, half as many after a strain.
 * Resolves or rejects when everything that began has ended.
 */
export async function inAdaptiveLanes<Item> (items: Iterable<Item>, work: (item: Item) => Promise<Strain>, { fewest, start, most, checkpoint }: AdaptiveOptions): Promise<void> {
  const running = new Set<Promise<void>>()
  let lanes = start
  let streak = 0
  let broken: { reason: unknown } | null = null

  function adapt (strain: Strain): void {
    streak = strain === 'well' ? streak + 1 : 0
    if (strain === 'strained') {
      lanes = Math.max(fewest, Math.floor(lanes / 2))
    } else if (streak >= STREAK && lanes < most) {
      lanes++
      streak = 0
    }
  }

  function launch (item: Item): void {
    const one: Promise<void> = work(item).then(adapt, (reason: unknown) => { broken ??= { reason } }).finally(() => { running.delete(one) })
    running.add(one)
  }

  try {
    for (const item of items) {
      while (running.size >= lanes) await Promise.race(running)
      await checkpoint()
      if (broken !== null) break
      launch(item)
    }
  } finally {
    await Promise.all(running)
  }
  if (broken !== null) throw (broken as { reason: unknown }).reason
}
