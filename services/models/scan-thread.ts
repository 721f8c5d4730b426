import { startWorker } from '../workers/start-worker.ts'
import { createPulseMemory, watchPulse } from './scan-pulse.ts'
import type { ScanMessage, ScanReport, ScanRequest } from './scan-types.ts'

export interface ScanThread {
  /** Asks the scan to stop; `outcome` then resolves as cancelled (or as hung, when its disk does not answer). */
  stop (): void
  outcome: Promise<ScanOutcomeOfThread>
}

/** `hung`: a call to a root's disk has not returned for too long; the thread was left alone and ends when the call does. */
export type ScanOutcomeOfThread =
  | { kind: 'finished', report: ScanReport }
  | { kind: 'hung', root: number, ended: Promise<unknown> }

export interface ScanThreadOptions {
  cacheFile: string
  stateFile: string
  request: ScanRequest
  onMessage (message: ScanMessage): void
  hangMs: number
  /** Module of the thread without extension; another one in tests. */
  worker?: URL
}

/** What a scan makes is soon garbage: room for more of it would only be memory that the process never gives back. */
const YOUNG_MEGABYTES = 24
const LOOK_MS = 500
/** A stopped thread that sits in a system call is not waited for longer. */
const STOP_MS = 1500

/** Runs a scan in a worker thread and watches that it gets on. @throws when the thread fails */
export function startScanThread (options: ScanThreadOptions): ScanThread {
  const memory = createPulseMemory()
  const pulse = watchPulse(memory)
  const { cacheFile, stateFile, request } = options
  const worker = startWorker(options.worker ?? new URL('./scan.worker', import.meta.url), {
    workerData: { cacheFile, stateFile, request, pulse: memory },
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEGABYTES }
  })
  let stopped = 0
  const outcome = new Promise<ScanOutcomeOfThread>((resolve, reject) => {
    let report: ScanReport | undefined
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
    worker.on('message', (message: ScanMessage) => {
      if (message.kind === 'finished') report = message.report
      else if (message.kind === 'failed') reject(Object.assign(new Error(message.message), { corrupt: message.corrupt }))
      else options.onMessage(message)
    })
    worker.once('error', reject)
    worker.once('exit', (code) => {
      clearInterval(look)
      // Whatever it posted has arrived before its exit.
      if (report) resolve({ kind: 'finished', report })
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
