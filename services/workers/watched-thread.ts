import { once } from 'node:events'
import type { Worker, WorkerOptions } from 'node:worker_threads'
import { createPulseMemory, watchPulse } from './pulse.ts'
import { startWorker } from './start-worker.ts'

/** What a watched thread sends last. */
export type LastMessage<Report> =
  | { kind: 'finished', report: Report }
  | { kind: 'failed', message: string, corrupt: boolean }

/** `hung`: a call to a root's disk has not returned for too long; the thread was left alone and ends when the call does. */
export type ThreadOutcome<Report> =
  | { kind: 'finished', report: Report }
  | { kind: 'hung', root: number, ended: Promise<unknown> }

export interface WatchedThread<Report> {
  /** Asks the work to stop; `outcome` then resolves with what it says (or as hung, when its disk does not answer). */
  stop (): void
  outcome: Promise<ThreadOutcome<Report>>
}

export interface WatchedThreadOptions<Message> {
  /** Module of the thread without extension. Its `workerData` gets `pulse`, the memory to beat on. */
  worker: URL
  workerData: object
  resourceLimits?: WorkerOptions['resourceLimits']
  onMessage (message: Message): void
  /** Starts threads that a message asks for; they help the first one, beat on the same memory, and end with it. */
  help? (message: Message, pulse: SharedArrayBuffer): Worker[]
  /** Without a beat for so long, the disk does not answer. */
  hangMs: number
}

const LOOK_MS = 500
/** A stopped thread that sits in a system call is not waited for longer. */
const STOP_MS = 1500

/** Runs work that reads disks in a thread and watches that it gets on. @throws when the thread fails */
export function startWatchedThread<Message extends { kind: string }, Report> (options: WatchedThreadOptions<Message>): WatchedThread<Report> {
  const memory = createPulseMemory()
  const pulse = watchPulse(memory)
  const { resourceLimits } = options
  const worker = startWorker(options.worker, { workerData: { ...options.workerData, pulse: memory }, ...(resourceLimits && { resourceLimits }) })
  const threads = [worker]
  let stopped = 0
  const outcome = new Promise<ThreadOutcome<Report>>((resolve, reject) => {
    let report: { report: Report } | undefined
    let seen = -1
    let since = performance.now()
    const terminate = (): void => { for (const thread of threads) thread.terminate().catch(reject) }
    const fail = (error: Error): void => {
      reject(error)
      terminate()
    }
    const look = setInterval(() => {
      const now = performance.now()
      if (pulse.count() !== seen) {
        seen = pulse.count()
        since = now
      }
      const stuck = pulse.root() >= 0 && now - since > options.hangMs
      const deaf = stopped > 0 && now - stopped > STOP_MS && now - since > STOP_MS
      if (!stuck && !deaf) return
      clearInterval(look)
      resolve({ kind: 'hung', root: pulse.root(), ended: Promise.all(threads.map(ended)) })
      // Takes effect when the call returns; until then nobody waits for it, nor does the end of the process.
      for (const thread of threads) thread.unref()
      terminate()
    }, Math.min(LOOK_MS, options.hangMs / 4))
    worker.on('message', (message: Message | LastMessage<Report>) => {
      if (isLast<Report>(message)) {
        if (message.kind === 'finished') report = message
        else reject(Object.assign(new Error(message.message), { corrupt: message.corrupt }))
        return
      }
      const helpers = options.help?.(message, memory) ?? []
      for (const helper of helpers) helper.once('error', fail)
      threads.push(...helpers)
      if (helpers.length === 0) options.onMessage(message)
    })
    worker.once('error', fail)
    worker.once('exit', (code) => {
      clearInterval(look)
      Promise.all(threads.map(ended)).then(() => {
        // Whatever it posted has arrived before its exit.
        if (report) resolve({ kind: 'finished', report: report.report })
        else reject(new Error(`The scan ended unexpectedly (${code})`))
      }, reject)
    })
  })
  return {
    stop () {
      stopped ||= performance.now()
      pulse.stop()
    },
    outcome
  }
}

async function ended (thread: Worker): Promise<void> {
  // Negative once it has ended.
  if (thread.threadId > 0) await once(thread, 'exit')
}

function isLast<Report> (message: { kind: string }): message is LastMessage<Report> {
  return message.kind === 'finished' || message.kind === 'failed'
}
