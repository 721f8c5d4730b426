import { mkdirSync, mkdtempSync, realpathSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { openCacheDatabase } from '../../services/database/cache.ts'
import { createStateDatabase } from '../../services/database/state.ts'
import { rootId } from '../../services/files/roots.ts'
import type { Logger } from '../../services/logger.ts'
import { createDescriber } from '../../services/models/describe-files.ts'
import { createHashLedger, migrateHashLedger, type HashLedger } from '../../services/models/hash-ledger.ts'
import { reconcile } from '../../services/models/reconcile.ts'
import type { ScanMessage, ScanReport, ScanRequest, ScanRoot } from '../../services/models/scan-types.ts'
import { modelCacheSchema } from '../../services/models/store-schema.ts'
import { createModelStore, type ModelStore } from '../../services/models/store.ts'
import type { ModelTypeName } from '../../services/models/types.ts'

export const silent: Logger = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined }

/** An old time, so that no file counts as still being written. */
export const SETTLED = new Date('2024-05-06T07:08:09.123Z')

/** A safetensors file with a header and some bytes that make its content its own. */
export function safetensors (content: string, metadata: Record<string, string> = {}): Buffer {
  const header = Buffer.from(JSON.stringify({ __metadata__: metadata }))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  return Buffer.concat([length, header, Buffer.from(content)])
}

export function putFile (path: string, content: string | Buffer, time: Date = SETTLED): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  utimesSync(path, time, time)
  return path
}

export function putModel (directory: string, name: string, sidecar?: Record<string, unknown>): string {
  const path = putFile(join(directory, `${name}.safetensors`), safetensors(`weights of ${name}`))
  if (sidecar) putFile(join(directory, `${name}.metadata.json`), JSON.stringify({ file_name: name, model_name: name, file_path: path, ...sidecar }, null, 2))
  return path
}

export interface ScanBench {
  directory: string
  /** For threads of their own. */
  files: { cacheFile: string, stateFile: string }
  store: ModelStore
  ledger: HashLedger
  messages: ScanMessage[]
  root (name: string, change?: Partial<ScanRoot>): ScanRoot
  scan (roots: ScanRoot[], change?: Partial<ScanRequest>, beats?: number): ScanReport
  paths (): string[]
  close (): void
}

/** A library on a real disk with a real cache, scanned in this thread. */
export function scanBench (type: ModelTypeName = 'lora'): ScanBench {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'scan-')))
  const state = createStateDatabase(join(directory, 'settings'), silent)
  migrateHashLedger(state)
  const ledger = createHashLedger(state.db)
  const store = createModelStore(openCacheDatabase(join(directory, 'settings'), 'default', modelCacheSchema, silent))
  const messages: ScanMessage[] = []
  const describe = createDescriber(ledger, () => Date.now())
  return {
    directory,
    files: { cacheFile: store.db.name, stateFile: state.db.name },
    store,
    ledger,
    messages,
    root (name, change) {
      const path = join(directory, name)
      mkdirSync(path, { recursive: true })
      return { id: rootId(type, path), type, folderKey: 'loras', path, extra: false, subType: null, hung: false, accepted: false, local: true, ...change }
    },
    scan (roots, change, beats = Infinity) {
      let left = beats
      const request: ScanRequest = { type, roots, full: false, directories: null, known: [], dotDirectories: true, sweepBefore: null, ...change }
      return reconcile(request, { store, describe, pulse: { beat: () => left-- > 0 }, post: (message) => { messages.push(message) } })
    },
    paths: () => (store.db.prepare('SELECT file_path FROM models ORDER BY file_path').pluck().all() as string[]).map((path) => path.slice(directory.length + 1)),
    close () {
      store.db.close()
      state.close()
      rmSync(directory, { recursive: true, force: true })
    }
  }
}

/** Waits for a condition, failing after half a minute. */
export async function until (condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + 30_000
  while (!await condition()) {
    if (performance.now() > end) throw new Error(`waited too long: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
