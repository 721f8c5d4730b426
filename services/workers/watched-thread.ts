import type { WorkerOptions } from 'node:worker_threads'
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
  let stopped = 0
  const outcome = new Promise<ThreadOutcome<Report>>((resolve, reject) => {
    let report: { report: Report } | undefined
    let seen = -1
    let since = performance.now()
    const ended = new Promise((resolve) => { worker.once('exit', resolve) })
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
      resolve({ kind: 'hung', root: pulse.root(), ended })
      // Takes effect when the call returns; until then nobody waits for it, nor does the end of the process.
      worker.unref()
      worker.terminate().catch(reject)
    }, Math.min(LOOK_MS, options.hangMs / 4))
    worker.on('message', (message: Message | LastMessage<Report>) => {
      if (isLast<Report>(message)) {
        if (message.kind === 'finished') report = message
        else reject(Object.assign(new Error(message.message), { corrupt: message.corrupt }))
      } else options.onMessage(message)
    })
    worker.once('error', reject)
    worker.once('exit', (code) => {
      clearInterval(look)
      // Whatever it posted has arrived before its exit.
      if (report) resolve({ kind: 'finished', report: report.report })
      else reject(new Error(`The scan ended unexpectedly (${code})`))
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

function isLast<Report> (message: { kind: string }): message is LastMessage<Report> {
  return message.kind === 'finished' || message.kind === 'failed'
}
