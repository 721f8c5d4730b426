import { clearTemporaries } from './shop.ts'
import type { ActionState, Shop } from './shop.ts'
import { directoriesOf, isFileAction } from './actions.ts'
import type { Action, FileAction, PlannedUnit } from './actions.ts'
import { describeFailure } from './errors.ts'
import { inspectRelocate, performRelocate, revertRelocate } from './relocate.ts'
import { inspectRewrite, performRewrite, revertRewrite } from './rewrite.ts'
import type { RecoveredUnit, UnitError } from './types.ts'

export type UnitOutcome =
  | { state: 'done' }
  | { state: 'failed', error: UnitError }
  /** It could be neither finished nor taken back: recovery tries again. */
  | { state: 'interrupted', error: UnitError }

/**
 * Does the actions in order; when one fails, takes back what was done, so that the unit is as before. That is done `alone`:
 * another unit may be filling the very folder that this one made.
 */
export async function performUnit (shop: Shop, unit: PlannedUnit, alone: (work: () => Promise<UnitOutcome>) => Promise<UnitOutcome> = async (work) => await work()): Promise<UnitOutcome> {
  for (const [index, action] of unit.actions.entries()) {
    try {
      await perform(shop, action, true)
    } catch (error) {
      return await alone(async () => await rollBack(shop, unit, index, error))
    }
  }
  return { state: 'done' }
}

async function rollBack (shop: Shop, unit: PlannedUnit, reached: number, cause: unknown): Promise<UnitOutcome> {
  const error = describeFailure(cause)
  // a target that someone else took was not touched: what lies there now is theirs, even if it is empty
  const begun = error.code === 'destination-exists' ? reached : reached + 1
  try {
    await revertAll(shop, unit.actions.slice(0, begun))
    await dropTakenOver(shop, unit)
    return { state: 'failed', error }
  } catch (second) {
    shop.logger.error({ err: second, cause, unit: unit.key }, 'a failed change could not be taken back; recovery will try again')
    return { state: 'interrupted', error: { ...error, code: 'interrupted', message: `${error.message}; taking it back failed too` } }
  }
}

/**
 * Ends a unit that another process, or a failing disk, left somewhere in the middle. Each file is told by its recorded
 * identity, so it doesn't matter in which order the disk kept what was done: all open = not begun; else on to the new
 * state where that is possible, else back to the old one.
 */
export async function settleUnit (shop: Shop, unit: PlannedUnit): Promise<Pick<RecoveredUnit, 'outcome' | 'reason'>> {
  try {
    const files = unit.actions.filter(isFileAction)
    await clearTemporaries(shop, files)
    await clearPlaceholders(shop, files)
    const states: ActionState[] = []
    for (const action of files) states.push(await inspect(shop, action))
    if (files.length > 0 && states.every((state) => state === 'gone') && await isAway(shop, files)) {
      return { outcome: 'waiting', reason: 'none of its files is there: the disk may be away' }
    }
    if (files.length > 0 && !states.some(isBegun)) {
      await revertAll(shop, unit.actions)
      await dropTakenOver(shop, unit)
      return { outcome: 'not-begun' }
    }
    return await finishOrRevert(shop, unit)
  } catch (error) {
    shop.logger.error({ err: error, unit: unit.key }, 'an interrupted change could be neither finished nor taken back yet')
    return { outcome: 'waiting', reason: describeFailure(error).message }
  }
}

/** Whether the folders of missing files show nothing at all, as the mount point of a disk does that is away. */
async function isAway (shop: Shop, files: readonly FileAction[]): Promise<boolean> {
  for (const directory of new Set(files.flatMap(directoriesOf))) {
    if (await shop.disk.lstat(directory) !== null && (await shop.disk.readdir(directory)).length > 0) return false
  }
  return true
}

/** A way back that was cut short may have left an empty file at the old name while the file itself is still at the new one. */
async function clearPlaceholders (shop: Shop, actions: readonly FileAction[]): Promise<void> {
  for (const action of actions) {
    const size = action.kind === 'relocate' ? action.identity.size : action.old?.size
    if (action.from === null || action.from === action.to || size === 0) continue
    const here = await shop.disk.lstat(action.from)
    if (here?.kind !== 'file' || here.size !== 0) continue
    if (action.to === null || await inspect(shop, action) === 'done') await shop.disk.unlink(action.from)
  }
}

async function finishOrRevert (shop: Shop, unit: PlannedUnit): Promise<Pick<RecoveredUnit, 'outcome' | 'reason'>> {
  try {
    const edited = await editedSince(shop, unit.actions.filter(isFileAction))
    for (const action of unit.actions) {
      if (edited.has(action) || await isLost(shop, action)) continue
      await perform(shop, action, false)
    }
    return { outcome: 'finished' }
  } catch (error) {
    await revertAll(shop, unit.actions)
    await dropTakenOver(shop, unit)
    return { outcome: 'rolled-back', reason: describeFailure(error).message }
  }
}

/** A companion that the user removed meanwhile must not hold up the rest of the set. */
async function isLost (shop: Shop, action: Action): Promise<boolean> {
  if (action.kind !== 'relocate' || action.fromTemporary || await inspect(shop, action) !== 'gone') return false
  shop.logger.warn({ file: action.from }, 'a file of an interrupted operation is neither here nor there; the others are finished without it')
  return true
}

/**
 * Files that someone changed after the operation had put them there: all the rest of the unit is done, only its completion
 * was never noted. To take the rest back because of them would undo what was answered for.
 */
async function editedSince (shop: Shop, actions: readonly FileAction[]): Promise<Set<Action>> {
  const edited = new Set<Action>()
  for (const action of actions) {
    const state = await inspect(shop, action)
    if (state === 'done') continue
    const inPlace = action.kind === 'rewrite' && action.from === action.to && state === 'blocked'
    const made = action.kind === 'relocate' && action.fromTemporary && state === 'gone' && await shop.disk.lstat(action.to) !== null
    if (!inPlace && !made) return new Set()
    edited.add(action)
  }
  return edited
}

function isBegun (state: ActionState): boolean {
  return state === 'half' || state === 'done'
}

async function inspect (shop: Shop, action: FileAction): Promise<ActionState> {
  return action.kind === 'relocate' ? (await inspectRelocate(shop, action)).state : inspectRewrite(shop, action)
}

async function perform (shop: Shop, action: Action, strict: boolean): Promise<void> {
  switch (action.kind) {
    case 'relocate': return performRelocate(shop, action, strict)
    case 'rewrite': return performRewrite(shop, action, strict)
    case 'mkdir': return action.existed ? undefined : shop.disk.mkdir(action.path)
    case 'rmdir':
      if (action.existed) await shop.disk.rmdir(action.path)
  }
}

async function revertAll (shop: Shop, actions: readonly Action[]): Promise<void> {
  for (const action of [...actions].reverse()) await revert(shop, action)
}

async function revert (shop: Shop, action: Action): Promise<void> {
  switch (action.kind) {
    case 'relocate': return revertRelocate(shop, action)
    case 'rewrite': return revertRewrite(shop, action)
    case 'mkdir':
      if (!action.existed) await shop.disk.rmdir(action.path)
      return
    case 'rmdir':
      if (action.existed) await shop.disk.mkdir(action.path)
  }
}

/** Temporary files that the journal took over go with a unit that didn't come to pass. */
export async function dropTakenOver (shop: Shop, unit: PlannedUnit): Promise<void> {
  for (const action of unit.actions) {
    if (action.kind !== 'relocate' || !action.fromTemporary) continue
    if (await shop.disk.lstat(action.from) !== null) await shop.disk.unlink(action.from)
  }
}
