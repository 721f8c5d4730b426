import { workerData, type MessagePort } from 'node:worker_threads'
import { openDatabase } from '../database/open.ts'
import { giveWay } from '../workers/give-way.ts'
import { pulseOver } from '../workers/pulse.ts'
import { createDescriber } from './describe-files.ts'
import { createHashLedger } from './hash-ledger.ts'
import { createScanHand } from './scan-hand.ts'
import { serveScanLane } from './scan-lanes.ts'
import type { ScanRoot } from './scan-types.ts'
import { createScratchReader } from './scratch-reader.ts'
import { createSidecarOverlay } from './sidecar-overlay.ts'

/** One of the threads that look at files for a scan; `lane` counts from 1. */
interface LaneData { stateFile: string, roots: ScanRoot[], pulse: SharedArrayBuffer, lane: number, port: MessagePort, answered: SharedArrayBuffer }

giveWay()
const { stateFile, roots, pulse, lane, port, answered } = workerData as LaneData
const state = openDatabase(stateFile, { readonly: true })
port.once('close', () => { state.close() })
const beats = pulseOver(pulse, lane)
const describe = createDescriber(createHashLedger(state), Date.now, createSidecarOverlay(state), createScratchReader())
serveScanLane(port, answered, createScanHand({ roots, describe, pulse: beats }), beats)
