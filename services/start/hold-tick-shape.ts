import { executionAsyncResource } from 'node:async_hooks'

let held: object | null = null

/**
 * Holds one of the objects that `process.nextTick` queues, and with it their shape. A collection that finds none of them alive
 * throws the shape away, and from then on the runtime makes each of them by a generic call: four times as slow, several
 * times with every request, until the process ends.
 * @returns the object held
 */
export async function holdTickShape (): Promise<object> {
  return await new Promise((resolve) => {
    process.nextTick(() => {
      held ??= executionAsyncResource()
      resolve(held)
    })
  })
}
