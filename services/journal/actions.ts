import { dirname } from 'node:path'
import type { Identity } from './identity.ts'
import type { FileChange, UnitError, UnitState } from './types.ts'

/** Small files: kept and compared as bytes. */
export const SMALL_FILE = 1024 * 1024

/** Content of a small file. The bytes are in state.sqlite under their hash, or in memory while the operation runs. */
export interface Content {
  sha256: string
  size: number
  /** Put back with the bytes; absent for new content. */
  mtimeMs?: number
  mode?: number
}

/** A file changes its place and keeps its bytes. */
export interface Relocate {
  kind: 'relocate'
  from: string
  to: string
  /** The file at `from` before. */
  identity: Identity
  /** The file at `to` after, where it is not the same inode. */
  after?: Identity
  /** What a moved link says after. */
  linkTarget?: string
  /** The target takes the source's entry, spelled differently (see isCaseOnlyRename). */
  caseOnly?: boolean
  /** `in`: a file goes to the trash; `out`: it comes back. */
  trash?: 'in' | 'out'
  /** Number of the item in the trash of the operation that put it there. */
  item?: { operation: string, n: number }
  /** `from` is a temporary file that the journal took over. */
  fromTemporary?: boolean
}

/** A small file changes its bytes, and maybe its place. `from` null: it is new; `to` null: it goes. */
export interface Rewrite {
  kind: 'rewrite'
  from: string | null
  to: string | null
  old: Content | null
  next: Content | null
}

/** `existed`: whether it was there before; then making it is nothing to take back. */
export interface MakeDirectory { kind: 'mkdir', path: string, existed: boolean }
export interface RemoveDirectory { kind: 'rmdir', path: string, existed: boolean }

export type FileAction = Relocate | Rewrite
/** What steps are compiled to and what the intent records. Each can be told from the disk to be open, half done or done, and has an inverse. */
export type Action = FileAction | MakeDirectory | RemoveDirectory

/** A unit with its actions, as recorded. */
export interface PlannedUnit {
  n: number
  key: string
  label: string
  state: UnitState
  error: UnitError | null
  actions: Action[]
  /** Of an undo: the unit of the original operation that it takes back. */
  undoes: number | null
}

export function isFileAction (action: Action): action is FileAction {
  return action.kind === 'relocate' || action.kind === 'rewrite'
}

/** The recorded file as it is once the action is done. */
export function identityAfter (action: Relocate): Identity {
  if (action.after) return action.after
  return action.linkTarget === undefined ? action.identity : { ...action.identity, target: action.linkTarget }
}

/** The action that takes this one back. */
export function inverse (action: Action): Action {
  switch (action.kind) {
    case 'relocate': return inverseRelocate(action)
    case 'rewrite': return { kind: 'rewrite', from: action.to, to: action.from, old: action.next, next: action.old }
    case 'mkdir': return { kind: 'rmdir', path: action.path, existed: !action.existed }
    case 'rmdir': return { kind: 'mkdir', path: action.path, existed: !action.existed }
  }
}

function inverseRelocate (action: Relocate): Relocate {
  const { from, to, identity, caseOnly, item, trash } = action
  const back: Relocate = { kind: 'relocate', from: to, to: from, identity: identityAfter(action) }
  if (identity.target !== undefined) back.linkTarget = identity.target
  if (caseOnly) back.caseOnly = true
  if (item) back.item = item
  if (trash) back.trash = trash === 'in' ? 'out' : 'in'
  return back
}

/** Every path whose entry the action may change. */
export function pathsOf (action: Action): string[] {
  if (!isFileAction(action)) return [action.path]
  return [action.from, action.to].filter((path) => path !== null)
}

/** Every file that a unit may change. */
export function filePaths ({ actions }: Pick<PlannedUnit, 'actions'>): string[] {
  return actions.filter(isFileAction).flatMap(pathsOf)
}

/** Directories whose names the action changes. */
export function directoriesOf (action: Action): string[] {
  return pathsOf(action).map((path) => dirname(path))
}

/** As people see it; nothing for directories. */
export function changeOf (action: Action): FileChange[] {
  if (!isFileAction(action)) return []
  if (action.kind === 'rewrite') return [{ from: action.from, to: action.to }]
  return [{
    from: action.trash === 'out' || action.fromTemporary ? null : action.from,
    to: action.trash === 'in' ? null : action.to
  }]
}
