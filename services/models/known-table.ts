import type { ModelTypeName } from './types.ts'
import type { Database } from 'better-sqlite3'
import { lstatSync } from 'node:fs'
import { statFile } from './file-changes.ts'
import { LOOK, LOOK_WIDTH, type ScanJob } from './scan-hand.ts'
import type { ScanRoot } from './scan-types.ts'
import type { RawRow } from './stored-model.ts'

const NUMBERS = ['id', 'file_size', 'file_mtime', 'file_inode', 'file_dev', 'sidecar_size', 'sidecar_mtime', 'info_mtime', 'preview_size', 'preview_mtime'] as const
const WIDTH = NUMBERS.length
type NumberColumn = typeof NUMBERS[number]
const columnOf = Object.fromEntries(NUMBERS.map((name, at) => [name, at])) as Record<NumberColumn, number>

/** All rows of a type as a scan compares them: one line of numbers each, so that 100,000 rows are no load for the collector. */
export interface KnownTable {
  readonly size: number
  /** Line of a path, or undefined. */
  at (path: string): number | undefined
  path (line: number): string
  rootId (line: number): string
  /** NaN stands for null. */
  number (line: number, column: NumberColumn): number
  /**
   * Whether a row still describes what lies on the disk. Sizes and times are compared by equality, never as newer or older:
   * clocks jump, and copies bring old times along.
   */
  isUnchanged (line: number, root: ScanRoot, job: ScanJob, at: number, looks: Float64Array): boolean
}

export function loadKnownTable (db: Database, type: ModelTypeName): KnownTable {
  const count = db.prepare('SELECT count(*) FROM models WHERE type = ?').pluck().get(type) as number
  const numbers = new Float64Array(count * WIDTH)
  const paths: string[] = []
  const previews: string[] = []
  const roots: string[] = []
  const lines = new Map<string, number>()
  const rootTexts = new Map<string, string>()
  for (const row of db.prepare(`SELECT file_path, root_id, preview_url, ${NUMBERS.join(', ')} FROM models WHERE +type = ?`).raw().iterate(type) as IterableIterator<RawRow>) {
    const line = paths.length
    if (line === count) break
    const path = row[0] as string
    const root = row[1] as string
    paths.push(path)
    lines.set(path, line)
    if (!rootTexts.has(root)) rootTexts.set(root, root)
    roots.push(rootTexts.get(root) ?? root)
    previews.push(row[2] === '' ? '' : row[2] as string)
    for (let at = 0; at < WIDTH; at++) numbers[line * WIDTH + at] = (row[at + 3] ?? NaN) as number
  }
  const number = (line: number, column: NumberColumn): number => numbers[line * WIDTH + columnOf[column]] ?? NaN
  /** Both may be NaN. */
  const same = (line: number, column: NumberColumn, value: number | undefined): boolean => Object.is(number(line, column), value)

  function isPreviewUnchanged (line: number, { directory, previews: found }: ScanJob, at: number, looks: Float64Array): boolean {
    const preview = previews[line] ?? ''
    const slash = preview.lastIndexOf('/')
    const beside = preview !== '' && slash === directory.length && preview.startsWith(directory)
    // One that appears beside the model takes the place of none and of one elsewhere.
    if (!beside && found[at] !== '') return false
    if (preview === '') return true
    if (beside && preview.slice(slash + 1) === found[at]) {
      return same(line, 'preview_size', looks[at * LOOK_WIDTH + LOOK.previewSize]) && same(line, 'preview_mtime', looks[at * LOOK_WIDTH + LOOK.previewMtime])
    }
    if (beside && lstatSync(preview, { throwIfNoEntry: false }) === undefined) return false
    const stats = statFile(preview)
    return same(line, 'preview_size', stats?.size ?? NaN) && same(line, 'preview_mtime', stats?.mtimeMs ?? NaN)
  }

  return {
    size: paths.length,
    at: (path) => lines.get(path),
    path: (line) => paths[line] ?? '',
    rootId: (line) => roots[line] ?? '',
    number,
    isUnchanged (line, root, job, at, looks) {
      const base = at * LOOK_WIDTH
      return same(line, 'file_size', looks[base + LOOK.size]) &&
        same(line, 'file_mtime', looks[base + LOOK.mtime]) &&
        (same(line, 'file_inode', looks[base + LOOK.ino]) || !root.local) &&
        roots[line] === root.id &&
        same(line, 'sidecar_size', looks[base + LOOK.sidecarSize]) &&
        same(line, 'sidecar_mtime', looks[base + LOOK.sidecarMtime]) &&
        same(line, 'info_mtime', looks[base + LOOK.infoMtime]) &&
        isPreviewUnchanged(line, job, at, looks)
    }
  }
}
