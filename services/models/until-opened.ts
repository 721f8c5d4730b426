import { setTimeout as delay } from 'node:timers/promises'
import type { ModelLibrary } from './ports.ts'

const LOOK_MS = 100

/** Work that goes on after a restart may come before the libraries. @throws the signal's reason */
export async function untilOpened (libraries: readonly Pick<ModelLibrary, 'opened'>[], signal: AbortSignal): Promise<void> {
  while (!libraries.every((library) => library.opened)) {
    await delay(LOOK_MS, undefined, { signal }).catch((error: unknown) => {
      signal.throwIfAborted()
      throw error
    })
  }
}
