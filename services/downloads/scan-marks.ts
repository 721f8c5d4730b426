import type { FrameSink, ProgressHub } from '../progress/types.ts'
import type { ModelLibrary } from '../models/ports.ts'
import type { DownloadedVersion } from './version-history.ts'

/** Every version that the libraries hold. */
export function * foundVersions (libraries: readonly ModelLibrary[], libraryName: string): Generator<DownloadedVersion> {
  for (const library of libraries) {
    if (!library.opened) continue
    for (const version of library.index.versions()) yield { type: library.type.name, ...version, library: libraryName }
  }
}

const QUIET_MS = 3000
/** A run looks at every model: while a scan goes on it may take a fifth of the time, no more. */
const RESTS = 4
const AWAITED = new Set(['models.changed', 'model.created', 'model.updated', 'library.activated'])

/** Marks what the libraries hold some time after they changed; many changes are one run. Returns the way to stop. */
export function followScans ({ hub, mark, warn }: { hub: Pick<ProgressHub, 'subscribe'>, mark: () => Promise<unknown>, warn: (message: string, error: unknown) => void }): () => void {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<unknown> | null = null
  let pause = QUIET_MS

  function later (): void {
    timer ??= setTimeout(() => {
      timer = undefined
      if (running) return later()
      const begun = performance.now()
      running = mark().catch((error: unknown) => { warn('what the library holds could not be noted as downloaded', error) }).finally(() => {
        pause = Math.max(QUIET_MS, RESTS * (performance.now() - begun))
        running = null
      })
    }, pause).unref()
  }

  const sink: FrameSink = {
    bufferedAmount: 0,
    send (text) {
      // Only the type is looked at: frames come by the hundred while a scan runs.
      const type = /"type":"([a-z.]+)"/.exec(text.slice(0, 200))?.[1]
      if (type !== undefined && AWAITED.has(type)) later()
    }
  }
  const stop = hub.subscribe(sink)
  return () => {
    stop()
    clearTimeout(timer)
  }
}
