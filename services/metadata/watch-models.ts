import type { ModelTypeName } from '../models/types.ts'
import type { ProgressHub } from '../progress/types.ts'

export interface ModelWatcher {
  moved (type: ModelTypeName, from: string, to: string): void
  /** Files of some type have been hashed. */
  hashed (): void
}

/** Listens on the feed for what happens to models; returns the way to stop. Most frames are let by unread. */
export function watchModels (hub: Pick<ProgressHub, 'subscribe'>, watcher: ModelWatcher): () => void {
  return hub.subscribe({
    bufferedAmount: 0,
    send (text) {
      if (text.includes('"model.moved"')) {
        const { type, data } = JSON.parse(text) as { type: string, data: { model_type: ModelTypeName, from: string, to: string } }
        if (type === 'model.moved') watcher.moved(data.model_type, data.from, data.to)
      } else if (text.includes('"job.finished"') && text.includes('"hash-')) {
        watcher.hashed()
      }
    }
  })
}
