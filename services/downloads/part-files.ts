import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { startWorker } from '../workers/start-worker.ts'
import { createPartFile, type PartFile } from './part-file.ts'
import type { PartReply, PartRequest } from './part-messages.ts'

export interface PartFiles {
  /** Opens a `.part` file, a new one when there is none, and cuts it to the length. @throws what the disk says, WriterLostError */
  open (path: string, length: number): Promise<PartFile>
  close (): Promise<void>
}

/** The thread that wrote ended by itself: what was being done can be done once more, in another one. */
export class WriterLostError extends Error {}

const RING = 4 * 1024 * 1024
const IDLE_MS = 10_000

type Listener = Pick<ReturnType<typeof createPartFile>, 'reply' | 'lost'>

/** A thread with the files that it has open. */
interface Writer { worker: Worker, files: Map<number, Listener>, idle: NodeJS.Timeout | undefined, ending: Promise<unknown> | undefined }

/** One thread for each volume, so that a disk that hangs holds up only what goes there; it ends when it has had nothing to do for a while. */
export function createPartFiles ({ worker: entry = new URL('./part-writer.worker', import.meta.url) }: { worker?: URL } = {}): PartFiles {
  const writers = new Map<number, Writer>()
  /** Memory of files that are closed. */
  const rings: Uint8Array[] = []
  let files = 0

  function writerFor (volume: number): Writer {
    const present = writers.get(volume)
    if (present) return present
    const writer: Writer = { worker: startWorker(entry), files: new Map(), idle: undefined, ending: undefined }
    writers.set(volume, writer)
    const { worker } = writer
    worker.on('message', (message: PartReply) => { writer.files.get(message.file)?.reply(message) })
    worker.on('error', (error) => { lose(volume, writer, error) })
    worker.on('exit', () => { lose(volume, writer) })
    return writer
  }

  function lose (volume: number, writer: Writer, cause?: Error): void {
    if (writers.get(volume) === writer) writers.delete(volume)
    clearTimeout(writer.idle)
    const lost = [...writer.files.values()]
    writer.files.clear()
    for (const file of lost) file.lost(new WriterLostError('The thread that writes downloads ended', { cause }))
  }

  async function end (volume: number, writer: Writer): Promise<void> {
    clearTimeout(writer.idle)
    if (writers.get(volume) === writer) writers.delete(volume)
    if (writers.size === 0) rings.length = 0
    await (writer.ending ??= writer.worker.terminate())
  }

  function release (volume: number, writer: Writer, file: number): void {
    writer.files.delete(file)
    if (writer.files.size > 0) return
    writer.worker.unref()
    writer.idle = setTimeout(() => { end(volume, writer).catch(() => undefined) }, IDLE_MS).unref()
  }

  return {
    async open (path, length) {
      const { dev: volume } = await stat(dirname(path))
      const writer = writerFor(volume)
      clearTimeout(writer.idle)
      writer.worker.ref()
      const file = ++files
      const ring = rings.pop() ?? new Uint8Array(new SharedArrayBuffer(RING))
      const { part, open, ...listener } = createPartFile({
        file,
        length,
        ring,
        send: (request: PartRequest) => { writer.worker.postMessage(request) },
        closed () {
          rings.push(ring)
          release(volume, writer, file)
        }
      })
      writer.files.set(file, listener)
      try {
        await open(path)
        return part
      } catch (error) {
        release(volume, writer, file)
        throw error
      }
    },
    async close () {
      await Promise.all([...writers].map(async ([volume, writer]) => { await end(volume, writer) }))
    }
  }
}
