import { basename, dirname, isAbsolute, resolve } from 'node:path'
import { ConflictError, InvalidInputError, NotFoundError } from '../errors.ts'
import { ownTempPath } from '../files/atomic-write.ts'
import { createSlices } from '../jobs/slices.ts'
import { SMALL_FILE } from './actions.ts'
import type { Action, Content, PlannedUnit, Relocate } from './actions.ts'
import { errnoOf } from './disk.ts'
import type { JournalDisk } from './disk.ts'
import { claimTarget, directoryExists, foresee, layOver, missingParents, nextTrashPlace, rootOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { describeFailure } from './errors.ts'
import { identify } from './identity.ts'
import type { Identity } from './identity.ts'
import { createLookAhead } from './look-ahead.ts'
import { readContent, sha256Of } from './rewrite.ts'
import type { ExpectedFile, Step, Unit } from './types.ts'

type WriteStep = Extract<Step, { kind: 'write' }>

/** Compiles steps to actions with the identity of every file; a unit that can't be done is marked as failed and the others go on. */
export async function planUnits (draft: Draft, units: readonly Unit[]): Promise<PlannedUnit[]> {
  const planned: PlannedUnit[] = []
  const ahead = createLookAhead(draft.disk, units)
  const slice = createSlices()
  for (const [n, unit] of units.entries()) {
    ahead.unit(n)
    planned.push(await planUnit(draft, unit, n, ahead.disk))
    await slice()
  }
  return planned
}

/** One unit, the n-th; units before it are in the draft. `disk` may stand in for the draft's own. */
export async function planUnit (draft: Draft, unit: Unit, n: number, disk: JournalDisk = draft.disk): Promise<PlannedUnit> {
  const entries = layOver(draft.entries)
  const making = new Set<string>()
  const own: Draft = { ...draft, disk, entries, making }
  const base = { n, key: unit.key, label: unit.label, undoes: null }
  const actions: Action[] = []
  try {
    for (const [index, step] of unit.steps.entries()) {
      for (const action of await compile(own, step, unit.steps, index)) {
        foresee(own, action)
        if (action.kind === 'mkdir') making.add(action.path)
        actions.push(action)
      }
    }
    entries.commit()
    draft.trashed = own.trashed
    return { ...base, state: 'pending', error: null, actions }
  } catch (error) {
    if (error instanceof InvalidInputError && error.code === 'invalid-operation') throw error
    return { ...base, state: 'failed', error: describeFailure(error), actions: takenOver(unit, actions) }
  }
}

/** A unit that fails before it begins still owns the temporary files it was given. */
function takenOver (unit: Unit, planned: readonly Action[]): Action[] {
  const unknown: Identity = { kind: 'other', dev: '', ino: '', size: 0, mtimeMs: 0, mode: 0 }
  const given = unit.steps.flatMap((step): Action[] => step.kind === 'create'
    ? [{ kind: 'relocate', from: step.from, to: step.path, fromTemporary: true, identity: unknown }]
    : [])
  return [...given, ...planned.filter((action) => action.kind === 'relocate' && action.fromTemporary)]
}

async function compile (draft: Draft, step: Step, steps: readonly Step[], index: number): Promise<Action[]> {
  switch (step.kind) {
    case 'move': {
      const rewritten = steps.slice(index + 1).some((later) => later.kind === 'write' && later.path === step.to)
      return rewritten ? [] : compileMove(draft, step.from, step.to, step.sha256)
    }
    case 'trash':
      return [await toTrash(draft, step.path, await source(draft, step.path, step.sha256))]
    case 'create':
      return [...await compileMove(draft, step.from, step.path)].map((action) => action.kind === 'relocate' ? { ...action, fromTemporary: true } : action)
    case 'write': {
      const mover = steps.slice(0, index).findLast((earlier) => earlier.kind === 'move' && earlier.to === step.path)
      return compileWrite(draft, step, mover?.kind === 'move' ? mover.from : null)
    }
    case 'mkdir':
      return missingParents(draft, `${step.path}/x`)
    case 'rmdir': {
      if (rootOf(draft, `${step.path}/x`) === step.path) throw new InvalidInputError('A model folder itself is never removed', 'invalid-operation')
      return [{ kind: 'rmdir', path: step.path, existed: await directoryExists(draft, step.path) }]
    }
  }
}

async function source (draft: Draft, path: string, sha256?: string): Promise<Identity> {
  const found = draft.entries.get(path) === 'vacant' ? null : await identify(draft.disk, path)
  if (found === null) throw new NotFoundError(`${basename(path)} is not there`, 'source-missing')
  if (found.kind !== 'file' && found.kind !== 'link') throw new InvalidInputError(`${basename(path)} is not a file`, 'not-a-file')
  if (sha256 !== undefined) return { ...found, sha256 }
  const known = found.kind === 'file' && found.size <= SMALL_FILE ? await smallHash(draft, path) : null
  return known === null ? found : { ...found, sha256: known }
}

/** Small files may come back from kept bytes, as another inode: their hash tells that they are the same. */
async function smallHash (draft: Draft, path: string): Promise<string | null> {
  try {
    return sha256Of(await draft.disk.readFile(path))
  } catch (error) {
    // what may not be read may still be moved or deleted
    if (['EACCES', 'EPERM'].includes(errnoOf(error))) return null
    throw error
  }
}

async function compileMove (draft: Draft, from: string, to: string, sha256?: string): Promise<Action[]> {
  const identity = await source(draft, from, sha256)
  const move: Relocate = { kind: 'relocate', from, to, identity }
  if (await claimTarget(draft, from, to) === 'case') move.caseOnly = true
  const linkTarget = await movedLinkTarget(draft, from, to, identity)
  if (linkTarget !== null) move.linkTarget = linkTarget
  return [...await missingParents(draft, to), move]
}

/** A relative link would point elsewhere from another folder: there it becomes an absolute one. */
async function movedLinkTarget (draft: Draft, from: string, to: string, { target }: Identity): Promise<string | null> {
  if (target === undefined || isAbsolute(target) || dirname(from) === dirname(to)) return null
  return resolve(await draft.disk.realpath(dirname(from)), target)
}

async function toTrash (draft: Draft, path: string, identity: Identity): Promise<Relocate> {
  return { kind: 'relocate', from: path, ...nextTrashPlace(draft, path), trash: 'in', identity }
}

async function compileWrite (draft: Draft, step: WriteStep, movedFrom: string | null): Promise<Action[]> {
  const from = movedFrom ?? step.path
  const found = draft.entries.get(from) === 'vacant' ? null : await identify(draft.disk, from)
  checkExpected(step, found)
  if (found === null && movedFrom !== null) throw new NotFoundError(`${basename(from)} is not there`, 'source-missing')
  const before: Action[] = []
  if (found === null) before.push(...await missingParents(draft, step.path))
  if (movedFrom !== null) {
    before.push(...await missingParents(draft, step.path))
    if (await claimTarget(draft, movedFrom, step.path) === 'case') {
      // one entry under two spellings: first it changes its case, then its content
      const respelled: Relocate = { kind: 'relocate', from, to: step.path, identity: await source(draft, from), caseOnly: true }
      return [...before, respelled, ...await rewriteFrom(draft, step, step.path, found)]
    }
  }
  return [...before, ...await rewriteFrom(draft, step, found === null ? null : from, found)]
}

/** `from`: where the old file lies, null when there is none. */
async function rewriteFrom (draft: Draft, step: WriteStep, from: string | null, found: Identity | null): Promise<Action[]> {
  const data = typeof step.data === 'string' ? Buffer.from(step.data) : Buffer.from(step.data.buffer, step.data.byteOffset, step.data.byteLength)
  const small = data.length <= SMALL_FILE
  const old = from === null ? null : readAlready(step, found) ?? await readContent(draft.disk, from)
  const actions: Action[] = []
  if (from !== null && (old === null || !small)) actions.push(await toTrash(draft, from, await source(draft, from)))
  if (!small) return [...actions, await stageLarge(draft, step.path, data)]
  const next = { sha256: sha256Of(data), size: data.length }
  draft.fresh.set(next.sha256, data)
  if (old !== null) draft.kept.set(old.content.sha256, old.data)
  const kept = old?.content ?? null
  return [...actions, { kind: 'rewrite', from: kept === null ? null : from, to: step.path, old: kept, next }]
}

/** The old content where the caller has brought it along, and the file still looks like that. */
function readAlready ({ expected }: WriteStep, found: Identity | null): { content: Content, data: Buffer } | null {
  const data = typeof expected === 'object' ? expected.data : undefined
  if (data === undefined || found?.kind !== 'file' || found.size !== data.length || data.length > SMALL_FILE) return null
  return { content: { sha256: sha256Of(data), size: data.length, mtimeMs: found.mtimeMs, mode: found.mode }, data }
}

/** Large new content is laid beside its place before the intent: a temporary file that the operation takes over. */
async function stageLarge (draft: Draft, path: string, data: Buffer): Promise<Relocate> {
  if (!await directoryExists(draft, dirname(path))) throw new NotFoundError('The folder of a large new file must exist', 'source-missing')
  const from = ownTempPath(path)
  await draft.disk.writeNew(from, data)
  return { kind: 'relocate', from, to: path, identity: await source(draft, from), fromTemporary: true }
}

function checkExpected (step: WriteStep, found: Identity | null): void {
  const { expected } = step
  if (expected === undefined) return
  const fits = expected === 'absent' ? found === null : found !== null && isExpected(expected, found)
  if (!fits) throw new ConflictError(`${basename(step.path)} has been changed by another program meanwhile`, 'source-changed')
}

function isExpected (expected: ExpectedFile, found: Identity): boolean {
  return found.size === expected.size && Math.abs(found.mtimeMs - expected.mtimeMs) < 1
}
