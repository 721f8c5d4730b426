import { basename, dirname } from 'node:path'
import { ConflictError, OfflineError } from '../errors.ts'
import { isCaseOnlyRename } from '../files/move-file.ts'
import { isFileAction } from './actions.ts'
import type { Action, MakeDirectory } from './actions.ts'
import type { JournalDisk } from './disk.ts'

export type TrashDirectoryFor = (path: string) => string

/**
 * The disk as it will be while an operation is planned: what lies there, laid over with what earlier steps will have done.
 * Planning changes nothing on the disk.
 */
export interface Draft {
  readonly disk: JournalDisk
  /** Id of the planned operation. */
  readonly operation: string
  readonly trashDirectoryFor: TrashDirectoryFor
  readonly entries: Entries
  /** Whether directories exist on the disk. */
  readonly directories: Map<string, boolean>
  /** Directories that the unit being planned makes already. */
  readonly making: ReadonlySet<string>
  /** Small contents to be kept with the intent, by hash. */
  readonly kept: Map<string, Buffer>
  /** New contents, in memory only, by hash. */
  readonly fresh: Map<string, Buffer>
  /** Items that go to the trash so far. */
  trashed: number
}

export type Entries = Pick<Map<string, 'vacant' | 'filled'>, 'get' | 'set'>

/** Entries of one unit over those of the units before it, so that a unit that can't be planned leaves no trace: cheap, however many came before. */
export function layOver (below: Entries): Entries & { commit (): void } {
  const own = new Map<string, 'vacant' | 'filled'>()
  return {
    get: (path) => own.get(path) ?? below.get(path),
    set: (path, state) => own.set(path, state),
    commit () { for (const [path, state] of own) below.set(path, state) }
  }
}

export function createDraft (disk: JournalDisk, operation: string, trashDirectoryFor: TrashDirectoryFor): Draft {
  return { disk, operation, trashDirectoryFor, entries: new Map(), directories: new Map(), making: new Set(), kept: new Map(), fresh: new Map(), trashed: 0 }
}

/** Root folder that a path belongs to: where its trash lies. */
export function rootOf (draft: Pick<Draft, 'trashDirectoryFor'>, path: string): string {
  return dirname(draft.trashDirectoryFor(path))
}

/** Where the next file goes that is trashed: a name without extension, which no program takes for a model. */
export function nextTrashPlace (draft: Draft, path: string): { to: string, item: { operation: string, n: number } } {
  const n = ++draft.trashed
  return { to: `${draft.trashDirectoryFor(path)}/${draft.operation}/${n}`, item: { operation: draft.operation, n } }
}

/** Whether a target can be taken; `case` when it is the source itself in another spelling. @throws ConflictError */
export async function claimTarget (draft: Draft, from: string | null, to: string): Promise<'free' | 'case'> {
  const planned = draft.entries.get(to)
  if (planned === 'vacant') return 'free'
  if (planned === undefined) {
    if (await draft.disk.lstat(to) === null) return 'free'
    if (from !== null && await isCaseOnlyRename(draft.disk, from, to)) return 'case'
  }
  throw new ConflictError(`A file named ${basename(to)} already exists at the destination`, 'destination-exists')
}

/** Notes what an action will have done. */
export function foresee (draft: Draft, action: Action): void {
  if (!isFileAction(action)) return
  if (action.from !== null) draft.entries.set(action.from, 'vacant')
  if (action.to !== null) draft.entries.set(action.to, 'filled')
}

/** The missing directories that a path needs, outermost first. A missing root is a disk that is away: it is never made. */
export async function missingParents (draft: Draft, path: string): Promise<MakeDirectory[]> {
  const root = rootOf(draft, path)
  const missing: MakeDirectory[] = []
  let directory = dirname(path)
  while (!await directoryExists(draft, directory)) {
    if (directory === root || dirname(directory) === directory) throw new OfflineError('The model folder is not there: its disk may be away')
    missing.unshift({ kind: 'mkdir', path: directory, existed: false })
    directory = dirname(directory)
  }
  return missing
}

export async function directoryExists (draft: Draft, directory: string): Promise<boolean> {
  if (draft.making.has(directory)) return true
  const known = draft.directories.get(directory)
  if (known !== undefined) return known
  const found = await draft.disk.lstat(directory)
  if (found !== null && found.kind !== 'directory' && found.kind !== 'link') {
    throw new ConflictError(`${basename(directory)} is a file, not a folder`, 'not-a-directory')
  }
  draft.directories.set(directory, found !== null)
  return found !== null
}
