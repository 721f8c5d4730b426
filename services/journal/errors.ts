import { ConflictError, DomainError } from '../errors.ts'
import type { ErrorKind } from '../errors.ts'
import { errnoOf } from './disk.ts'
import type { UnitError, UnitResult } from './types.ts'

/** The world has changed since; `fields.reasons` says where, one sentence each. Nothing was touched. */
export class UndoRefusedError extends ConflictError {
  constructor (reasons: readonly string[]) {
    super(`This can't be undone any more: ${reasons[0] ?? 'the files have changed'}`, 'undo-refused')
    this.name = 'UndoRefusedError'
    this.fields['reasons'] = reasons
  }
}

/** Errors of the file system: kind, code and sentence. */
const faults: Record<string, [ErrorKind, string, string]> = {
  EACCES: ['forbidden', 'not-writable', 'The folder or file is not writable'],
  EPERM: ['forbidden', 'not-writable', 'The folder or file is not writable'],
  EROFS: ['forbidden', 'not-writable', 'The disk is read-only'],
  ENOSPC: ['storage-full', 'storage-full', 'The disk is full'],
  EDQUOT: ['storage-full', 'storage-full', 'The disk quota is used up'],
  EEXIST: ['conflict', 'in-the-way', 'Something is in the way at the destination'],
  ENOENT: ['not-found', 'source-missing', 'The file or its folder is gone'],
  ENOTDIR: ['conflict', 'not-a-directory', 'A file is in the way of a folder'],
  ENAMETOOLONG: ['invalid', 'name-too-long', 'The name is too long for this disk'],
  EBUSY: ['conflict', 'in-use', 'Another program has the file open']
}

/** Any error as a unit's result tells it: no paths, no stack. */
export function describeFailure (error: unknown): UnitError {
  if (error instanceof DomainError) return { kind: error.kind, code: error.code, message: error.message }
  const code = errnoOf(error)
  const [kind, name, message] = faults[code] ?? ['unavailable', 'io-error', `The disk failed${code === '' ? '' : ` (${code})`}`]
  return { kind, code: name, message }
}

/** For callers with one unit: its failure as an error to throw, null when it went well. */
export function failureOf (unit: UnitResult | undefined): DomainError | null {
  if (!unit?.error) return null
  return new DomainError(unit.error.kind, unit.error.code, unit.error.message)
}
