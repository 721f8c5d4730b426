import { statSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { openDatabase } from '../database/open.ts'
import { isBelow, walk, type Listing } from '../files/walk.ts'
import { createUsageCounts } from '../stats/usage-counts.ts'
import { isWeightFile, stemOf } from './file-set.ts'
import { createHashLedger } from './hash-ledger.ts'
import { isMediaFile, previewExtension } from './preview-file.ts'
import { findStorage, storageKinds, type OrphanGroup, type StorageFinding, type StorageRow, type WeighedModel } from './storage-findings.ts'
import type { StorageMessage, StorageReport, StorageSlice, StorageTask } from './storage-messages.ts'

/** Directories that hold what was deleted. */
const STAGING = new Set(['.modelshelf-trash', '.lm-pending-delete'])
const SIDECAR = /\.metadata\.json(\.bak.*)?$/
const SURELY_PREVIEW = /\.(preview|example\.\d+)\.\w+$/i

async function advise (task: StorageTask, slices: readonly StorageSlice[]): Promise<StorageReport> {
  const usage = createUsageCounts({ file: task.usageFile })
  await usage.refresh()
  const rows = slices.flat().map((row): StorageRow => ({ ...row, uses: usage.count(row) }))
  const usageKnown = rows.some(({ uses }) => uses > 0)
  const { listings, unread } = walk({ roots: task.roots, skip: new Set(), proceed: () => true, leaveOut: (name) => STAGING.has(name) || (!task.dotDirectories && name.startsWith('.')) })
  const findings = findStorage(weigh(rows, task.stateFile), listings.filter(({ path }) => !isBelow(path, task.mediaFolders)).flatMap(orphans), usageKnown)
  return { ...pack(findings), usageKnown, unread: unread.length }
}

function weigh (rows: readonly StorageRow[], stateFile: string): WeighedModel[] {
  const state = openDatabase(stateFile, { readonly: true })
  try {
    const ledger = createHashLedger(state)
    return rows.flatMap((row): WeighedModel[] => {
      const stats = statSync(row.path, { throwIfNoEntry: false })
      if (!stats?.isFile()) return []
      const { size, mtimeMs, dev, ino } = stats
      const known = ledger.find({ path: row.path, size, mtimeMs, dev, ino })
      return [{ ...row, size, identity: ino === 0 ? '' : `${dev}:${ino}`, tensorHash: known?.autov3 ?? '' }]
    })
  } finally {
    state.close()
  }
}

/** Sidecars and previews whose model is not in the folder. Files of other programs are none of our business. */
function orphans ({ path, names }: Listing): OrphanGroup[] {
  const stems = new Set(names.filter(isWeightFile).map((name) => stemOf(name).toLowerCase()))
  const groups = new Map<string, OrphanGroup>()
  for (const name of names) {
    const stem = orphanStem(name)
    if (stem === null || belongs(name, stems)) continue
    const group = groups.get(stem) ?? { stem: `${path}/${stem}`, sure: false, files: [] }
    group.sure ||= SIDECAR.test(name) || SURELY_PREVIEW.test(name)
    group.files.push({ path: `${path}/${name}`, size: statSync(`${path}/${name}`, { throwIfNoEntry: false })?.size ?? 0 })
    groups.set(stem, group)
  }
  return [...groups.values()]
}

/** Name of the model that a companion would belong to, null for other files. */
function orphanStem (name: string): string | null {
  if (SIDECAR.test(name)) return name.replace(SIDECAR, '')
  if (name.toLowerCase().endsWith('.civitai.info')) return name.slice(0, -'.civitai.info'.length)
  return isMediaFile(name) ? name.slice(0, name.length - previewExtension(name).length) : null
}

/** Whether a model is there that the name begins with, at any of its dots. */
function belongs (name: string, stems: ReadonlySet<string>): boolean {
  const lower = name.toLowerCase()
  for (let dot = lower.lastIndexOf('.'); dot > 0; dot = lower.lastIndexOf('.', dot - 1)) if (stems.has(lower.slice(0, dot))) return true
  return false
}

function pack (findings: readonly StorageFinding[]): Pick<StorageReport, 'summary' | 'json' | 'offsets' | 'kinds' | 'ids'> {
  const texts = findings.map((one) => Buffer.from(JSON.stringify(one)))
  const offsets = new Uint32Array(texts.length + 1)
  texts.forEach((text, index) => { offsets[index + 1] = (offsets[index] ?? 0) + text.length })
  const json = new Uint8Array(offsets[texts.length] ?? 0)
  texts.forEach((text, index) => { json.set(text, offsets[index]) })
  const ids = new Uint8Array(Buffer.from(findings.map(({ id }) => id).join(''), 'latin1'))
  const summary = storageKinds.map((kind) => {
    const own = findings.filter((one) => one.kind === kind)
    const files = own.reduce((count, one) => count + one.files.length + one.models.filter(({ keep }) => !keep).length, 0)
    return { kind, items: own.length, files, bytes: own.reduce((bytes, one) => bytes + one.bytes, 0) }
  })
  return { summary, json, offsets, ids, kinds: Uint8Array.from(findings, ({ kind }) => storageKinds.indexOf(kind)) }
}

const port = parentPort
if (port) {
  const slices: StorageSlice[] = []
  port.on('message', (slice: StorageSlice) => {
    if (slice.length > 0) return slices.push(slice)
    advise(workerData as StorageTask, slices).then(
      (report) => { port.postMessage({ report } satisfies StorageMessage, [report.json.buffer as ArrayBuffer]) },
      (error: unknown) => { port.postMessage({ failed: error instanceof Error ? error.stack ?? error.message : String(error) } satisfies StorageMessage) }
    ).finally(() => { port.close() })
  })
}
