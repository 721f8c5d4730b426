import type { FrameSink, ProgressHub } from '../progress/types.ts'
import type { ModelLibrary } from '../models/ports.ts'
import type { DownloadedVersion } from './version-history.ts'

/** Every version that the libraries hold. */
export function * foundVersions (libraries: readonly ModelLibrary[], libraryName: string): Generator<DownloadedVersion> {
  for (const library of libraries) {
    if (!library.opened) continue
    for (const models of [library.index.entries(), library.index.excluded()]) {
      for (const { civitai, file_path: filePath } of models) {
        if (civitai?.id === undefined) continue
        yield { type: library.type.name, versionId: civitai.id, modelId: civitai.modelId, filePath, library: libraryName }
      }
    }
  }
}

const QUIET_MS = 3000
const AWAITED = new Set(['models.changed', 'model.created', 'model.updated', 'library.activated'])

/** Marks what the libraries hold some time after they changed; many changes are one run. Returns the way to stop. */
export function followScans ({ hub, mark, warn }: { hub: Pick<ProgressHub, 'subscribe'>, mark: () => Promise<unknown>, warn: (message: string, error: unknown) => void }): () => void {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<unknown> | null = null

  function later (): void {
    timer ??= setTimeout(() => {
      timer = undefined
      if (running) return later()
      running = mark().catch((error: unknown) => { warn('what the library holds could not be noted as downloaded', error) }).finally(() => { running = null })
    }, QUIET_MS).unref()
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
