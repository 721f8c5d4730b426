import { MessageChannel, receiveMessageOnPort, type MessagePort } from 'node:worker_threads'
import type { ScanLanes } from './scan-crew.ts'
import type { ScanJob, ScanJobResult } from './scan-hand.ts'
import type { RestingPulse } from '../workers/pulse.ts'

/** What a lane gets. */
export interface LaneTask { number: number, job: ScanJob }
/** What a lane answers. */
export type LaneAnswer = { number: number, result: ScanJobResult } | { fault: string }

/** Jobs that a lane holds: enough to go on while this thread writes. */
const DEPTH = 16
const WAIT_MS = 100

/**
 * Lanes of a scan, as the thread sees them that leads it. That one never returns to its event loop, so answers are fetched, and
 * waited for, by means of memory that all share: it counts them.
 */
export function openScanLanes (count: number, pulse: Pick<RestingPulse, 'rest'>, start: (ports: MessagePort[], answered: SharedArrayBuffer) => void): ScanLanes & { close (): void } {
  const answered = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
  const counter = new Int32Array(answered)
  const channels = Array.from({ length: count }, () => new MessageChannel())
  const lanes = channels.map(({ port1 }) => ({ port: port1, held: 0 }))
  start(channels.map(({ port2 }) => port2), answered)
  let seen = 0

  return {
    give (number, job) {
      const lane = lanes.reduce((least, other) => other.held < least.held ? other : least)
      if (lane.held >= DEPTH) return false
      lane.held++
      const task: LaneTask = { number, job }
      lane.port.postMessage(task)
      return true
    },
    take () {
      seen = Atomics.load(counter, 0)
      return lanes.flatMap((lane) => {
        const done: { number: number, result: ScanJobResult }[] = []
        for (let got = receiveMessageOnPort(lane.port); got; got = receiveMessageOnPort(lane.port)) {
          const answer = got.message as LaneAnswer
          if ('fault' in answer) throw new Error(answer.fault)
          lane.held--
          done.push(answer)
        }
        return done
      })
    },
    wait () {
      if (!pulse.rest()) return false
      Atomics.wait(counter, 0, seen, WAIT_MS)
      return true
    },
    close () { for (const { port } of lanes) port.close() }
  }
}

/** The lane's side: does what comes until the port is closed. */
export function serveScanLane (port: MessagePort, answered: SharedArrayBuffer, hand: (job: ScanJob) => ScanJobResult, pulse: Pick<RestingPulse, 'rest'>): void {
  const counter = new Int32Array(answered)
  port.on('message', ({ number, job }: LaneTask) => {
    let answer: LaneAnswer
    try {
      answer = { number, result: hand(job) }
    } catch (error) {
      answer = { fault: error instanceof Error ? error.stack ?? error.message : String(error) }
    }
    pulse.rest()
    port.postMessage(answer)
    Atomics.add(counter, 0, 1)
    Atomics.notify(counter, 0)
  })
}
