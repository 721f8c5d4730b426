import { workerData } from 'node:worker_threads'
import { giveWay } from '../workers/give-way.ts'
import { openDatabase } from './open.ts'

giveWay()
const db = openDatabase((workerData as { file: string }).file)
try {
  // Takes over what no reader still needs; waits for nobody and holds up nobody.
  db.pragma('wal_checkpoint(passive)')
} finally {
  db.close()
}
