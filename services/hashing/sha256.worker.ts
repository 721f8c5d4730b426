import { parentPort, workerData } from 'node:worker_threads'
import { giveWay } from '../workers/give-way.ts'
import { hashFile } from './hash-file.ts'
import { HashingError } from './hashing-error.ts'
import type { HashReply, HashRequest, WorkerData } from './messages.ts'

const PROGRESS_EVERY_MS = 200

if (!parentPort) throw new Error('sha256.worker runs in a worker thread only')
const port = parentPort
const { cancel } = workerData as WorkerData
giveWay()

function answer (request: HashRequest): HashReply {
  let reported = -Infinity
  try {
    const result = hashFile(request.path, {
      alsoTensorHash: request.alsoTensorHash,
      cancelled: () => Atomics.load(cancel, 0) === 1,
      onBlock (bytes) {
        if (!request.progress || performance.now() - reported < PROGRESS_EVERY_MS) return
        reported = performance.now()
        port.postMessage({ kind: 'progress', bytes } satisfies HashReply)
      }
    })
    return result ? { kind: 'done', result } : { kind: 'cancelled' }
  } catch (error) {
    if (error instanceof HashingError) return { kind: 'failed', code: error.code, detail: error.detail }
    throw error
  }
}

port.on('message', (request: HashRequest) => { port.postMessage(answer(request)) })
