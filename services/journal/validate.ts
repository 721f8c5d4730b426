import { dirname, isAbsolute, resolve } from 'node:path'
import { InvalidInputError } from '../errors.ts'
import { mapInSlices } from '../jobs/slices.ts'
import type { Operation, Step, Unit } from './types.ts'

const ID = /^[0-9a-f]{32}$/

/** Doubled separators, `.`, `..` or a separator at the end: few paths have any, and to resolve all of them takes long. */
const UNCLEAN = /\/(?:\/|\.{1,2}(?:\/|$)|$)/

/** Absolute, without `.` and `..`, `/` as separator: the spelling in which paths are compared. */
function cleanPath (path: string): string {
  if (!isAbsolute(path) || path.includes('\0')) throw new InvalidInputError('The journal wants absolute paths', 'invalid-operation')
  if (process.platform === 'win32') return resolve(path).replaceAll('\\', '/')
  return UNCLEAN.test(path) ? resolve(path) : path
}

function cleanStep (step: Step): Step {
  switch (step.kind) {
    case 'move': return { ...step, from: cleanPath(step.from), to: cleanPath(step.to) }
    case 'create': {
      const clean = { ...step, path: cleanPath(step.path), from: cleanPath(step.from) }
      if (dirname(clean.path) !== dirname(clean.from)) throw new InvalidInputError('A new file comes from a temporary one in its own folder', 'invalid-operation')
      return clean
    }
    default: return { ...step, path: cleanPath(step.path) }
  }
}

/**
 * Checks the form of an operation and answers it with clean paths.
 * A path that one step fills can't be the source of a later one: after a crash such chains can't be told apart.
 * @throws InvalidInputError `invalid-operation`
 */
export async function validateOperation (operation: Operation & { id: string }): Promise<Operation & { id: string }> {
  if (!ID.test(operation.id)) throw new InvalidInputError('An operation has an id of 32 lower-case hex digits', 'invalid-operation')
  const filled = new Set<string>()
  return { ...operation, units: await mapInSlices(operation.units, (unit) => cleanUnit(unit, filled)) }
}

/** `filled`: every path that a step has put something at so far. */
function cleanUnit (unit: Unit, filled: Set<string>): Unit {
  const moved = new Set<string>()
  const steps = unit.steps.map(cleanStep)
  for (const step of steps) {
    const source = step.kind === 'move' || step.kind === 'create' ? step.from : step.path
    const afterMove = step.kind === 'write' && moved.delete(source)
    if (!isDirectoryStep(step) && filled.has(source) && !afterMove) {
      throw new InvalidInputError('A file that an operation has put somewhere can\'t be changed again by it', 'invalid-operation')
    }
    if (step.kind === 'move') moved.add(step.to)
    if (step.kind === 'move') filled.add(step.to)
    if (step.kind === 'write' || step.kind === 'create') filled.add(step.path)
  }
  return { ...unit, steps }
}

function isDirectoryStep (step: Step): boolean {
  return step.kind === 'mkdir' || step.kind === 'rmdir'
}
