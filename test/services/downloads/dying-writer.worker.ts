import { existsSync, writeFileSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import type { PartRequest } from '../../../services/downloads/part-messages.ts'

// First: whoever listens starts the messages, for all.
await import('../../../services/downloads/part-writer.worker.ts')

/** The thread that writes parts, but the first one dies of its third batch. */
let mark = ''
let batches = 0
parentPort?.on('message', (request: PartRequest) => {
  if (request.kind === 'open') mark = `${request.path}.died`
  if (request.kind !== 'bytes' || ++batches < 3 || existsSync(mark)) return
  writeFileSync(mark, '')
  throw new Error('The thread dies')
})
