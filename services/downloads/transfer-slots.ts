/** At most so many transfers at once from one provider; the others wait in the order they came. */
export interface TransferSlots {
  /** Resolves with the way to give the slot back. `onWait` is told when there is none now. @throws the signal's reason */
  take (provider: string, signal: AbortSignal, onWait: () => void): Promise<() => void>
}

interface Lane { taken: number, waiting: (() => void)[] }

export function createTransferSlots (perProvider: number): TransferSlots {
  const lanes = new Map<string, Lane>()

  function laneOf (provider: string): Lane {
    const lane = lanes.get(provider) ?? { taken: 0, waiting: [] }
    lanes.set(provider, lane)
    return lane
  }

  function giver (lane: Lane): () => void {
    let given = false
    return () => {
      if (given) return
      given = true
      lane.taken--
      lane.waiting.shift()?.()
    }
  }

  return {
    async take (provider, signal, onWait) {
      signal.throwIfAborted()
      const lane = laneOf(provider)
      if (lane.taken >= perProvider) {
        onWait()
        await new Promise<void>((resolve, reject) => {
          const enter = (): void => {
            signal.removeEventListener('abort', leave)
            lane.taken++
            resolve()
          }
          const leave = (): void => {
            lane.waiting.splice(lane.waiting.indexOf(enter), 1)
            reject(signal.reason instanceof Error ? signal.reason : new Error('The download was cancelled'))
          }
          lane.waiting.push(enter)
          signal.addEventListener('abort', leave, { once: true })
        })
      } else {
        lane.taken++
      }
      return giver(lane)
    }
  }
}
