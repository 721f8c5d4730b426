import { readdirSync, statSync, type Stats } from 'node:fs'
import type { Pulse } from '../workers/pulse.ts'
import { INFO_EXTENSION } from './civitai-info.ts'
import { statFile } from './file-changes.ts'
import { stemOf } from './file-set.ts'
import { foundFile } from './found-file.ts'
import { createPreviewFinder, type DirectoryNames } from './preview-file.ts'
import type { DescribeFile, ScanRoot } from './scan-types.ts'
import { SIDECAR_EXTENSION } from './sidecar-file.ts'
import type { KnownModel } from './store.ts'
import { toCells, type RowCells, type StoredModel } from './stored-model.ts'

/** Some model files of one directory to be looked at: plain data, since another thread may do it. */
export interface ScanJob {
  /** Index of the root. */
  root: number
  directory: string
  folder: string
  names: string[]
  /** Per name, what was listed beside it: SIDECAR, INFO. */
  beside: number[]
  /** Per name its preview as it was listed, "" without. */
  previews: string[]
  /** What rows are to be made from; null where it is only asked how the files look. */
  rows: { known: (KnownModel | undefined)[], sidecarsLater: boolean } | null
}

/** Bits of `beside`. */
export const BESIDE = { sidecar: 1, info: 2 } as const

/** What was seen of each file, in a row of its own; NaN stands for what is not there. */
export const LOOK = { size: 0, mtime: 1, ino: 2, dev: 3, sidecarSize: 4, sidecarMtime: 5, infoMtime: 6, previewSize: 7, previewMtime: 8 } as const
export const LOOK_WIDTH = 9

export interface ScanJobResult {
  /** Files that were looked at: fewer than there are when the scan was stopped. */
  count: number
  /** Of anything but a file the size is 0. */
  looks: Float64Array
  rows: (RowCells | undefined)[]
  unread: { at: number, code: string }[]
}

/** Does jobs, one file after the other. */
export function createScanHand ({ roots, describe, pulse }: { roots: readonly ScanRoot[], describe: DescribeFile, pulse: Pulse }): (job: ScanJob) => ScanJobResult {
  const list = createLister()

  function describeFound (job: ScanJob, at: number, stats: Stats): RowCells | undefined {
    const root = roots[job.root]
    const name = job.names[at]
    if (!job.rows || !root || name === undefined) return undefined
    const { directory, folder } = job
    const file = foundFile({ root, directory, folder, name, path: `${directory}/${name}`, stats, names: namesBeside(job, at, list) })
    return cellsOf(describe(file, job.rows.known[at], null), job.rows.sidecarsLater)
  }

  function lookAt (job: ScanJob, at: number, { looks, rows }: ScanJobResult): void {
    const base = at * LOOK_WIDTH
    const stats = statSync(`${job.directory}/${job.names[at] ?? ''}`, { throwIfNoEntry: false })
    if (!stats) return
    looks[base + LOOK.size] = stats.isFile() ? stats.size : 0
    looks[base + LOOK.mtime] = stats.mtimeMs
    looks[base + LOOK.ino] = stats.ino
    looks[base + LOOK.dev] = stats.dev
    if (looks[base] === 0) return
    if (job.rows) rows[at] = describeFound(job, at, stats)
    else lookBeside(job, at, looks)
  }

  return (job) => {
    const result: ScanJobResult = { count: 0, looks: new Float64Array(job.names.length * LOOK_WIDTH).fill(NaN), rows: [], unread: [] }
    for (let at = 0; at < job.names.length; at++) {
      if (!pulse.beat(job.root)) break
      try {
        lookAt(job, at, result)
      } catch (error) {
        if (!isSystemError(error)) throw error
        result.unread.push({ at, code: error.code ?? 'EUNKNOWN' })
      }
      result.count++
    }
    return result
  }
}

function lookBeside ({ directory, names, beside, previews }: ScanJob, at: number, looks: Float64Array): void {
  const base = at * LOOK_WIDTH
  const stem = `${directory}/${stemOf(names[at] ?? '')}`
  const marks = beside[at] ?? 0
  const sidecar = (marks & BESIDE.sidecar) !== 0 ? statFile(stem + SIDECAR_EXTENSION) : undefined
  if (sidecar?.isFile()) {
    looks[base + LOOK.sidecarSize] = sidecar.size
    looks[base + LOOK.sidecarMtime] = sidecar.mtimeMs
  }
  const info = (marks & BESIDE.info) !== 0 ? statFile(stem + INFO_EXTENSION) : undefined
  if (info?.isFile()) looks[base + LOOK.infoMtime] = info.mtimeMs
  const preview = previews[at] ? statFile(`${directory}/${previews[at]}`) : undefined
  if (preview) {
    looks[base + LOOK.previewSize] = preview.size
    looks[base + LOOK.previewMtime] = preview.mtimeMs
  }
}

/** A row as it is written; its sidecar in memory of its own, since the describer uses the same again. */
export function cellsOf (row: StoredModel, sidecarsLater: boolean): RowCells {
  // What is to be written differs from what the file says.
  const later = sidecarsLater && row.sidecar !== null && !row.due
  return { cells: toCells({ ...row, sidecarLater: later }), sidecar: later || row.sidecar === null ? null : new Uint8Array(row.sidecar) }
}

/** Of the directory's names those are known that were listed for the model; the directory is read for any others. */
function namesBeside (job: ScanJob, at: number, list: (directory: string) => DirectoryNames): DirectoryNames {
  const stem = stemOf(job.names[at] ?? '')
  const preview = job.previews[at] ?? ''
  const marks = job.beside[at] ?? 0
  return {
    has (name) {
      if (name === stem + SIDECAR_EXTENSION) return (marks & BESIDE.sidecar) !== 0
      if (name === stem + INFO_EXTENSION) return (marks & BESIDE.info) !== 0
      return (name === preview && name !== '') || list(job.directory).has(name)
    },
    find: (wanted) => wanted === stem ? preview || undefined : list(job.directory).find(wanted)
  }
}

/** Keeps the directory that was listed last. */
function createLister (): (directory: string) => DirectoryNames {
  let last: { directory: string, names: DirectoryNames } | undefined
  return (directory) => {
    if (last?.directory !== directory) last = { directory, names: createPreviewFinder(new Set(readdirSync(directory))) }
    return last.names
  }
}

export function isSystemError (error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error
}
