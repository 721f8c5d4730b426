import { existsSync, writeFileSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import type { HashReply, HashRequest } from '../../../services/hashing/messages.ts'

/** Dies with the file `<path>.crashes-twice` always, else the first time it sees a path. */
parentPort?.on('message', ({ path }: HashRequest) => {
  const mark = `${path}.seen`
  if (!existsSync(mark) || existsSync(`${path}.crashes-twice`)) {
    writeFileSync(mark, '')
    throw new Error('the thread fell over')
  }
  parentPort?.postMessage({ kind: 'done', result: { sha256: 'second', bytes: 0, tensorHash: null, size: 0, mtimeMs: 0 } } satisfies HashReply)
})
