import { basename, dirname } from 'node:path'
import { ConflictError, NotFoundError } from '../errors.ts'
import { moveFile } from '../files/move-file.ts'
import { identityAfter, inverse } from './actions.ts'
import type { Relocate } from './actions.ts'
import { sameInode } from './disk.ts'
import { compare, identify } from './identity.ts'
import type { Identity } from './identity.ts'
import type { ActionState, Shop } from './shop.ts'

interface Inspection {
  state: ActionState
  /** The source is the very file of the intent, by inode and time. */
  exact: boolean
}

export async function inspectRelocate (shop: Shop, action: Relocate): Promise<Inspection> {
  if (action.caseOnly) return inspectCaseOnly(shop, action)
  const here = await identify(shop.disk, action.from)
  const there = await identify(shop.disk, action.to)
  const source = compare(action.identity, here)
  const target = compare(identityAfter(action), there)
  const exact = source === 'same'
  if (source === 'absent' && target === 'absent') return { state: 'gone', exact }
  if (here === null || source === 'other') {
    const arrived = target === 'same' || target === 'similar'
    return { state: arrived ? 'done' : here === null ? 'gone' : 'blocked', exact }
  }
  if (there === null) return { state: 'open', exact }
  if (source === 'similar' && target === 'same') return { state: 'done', exact }
  return { state: await statePaired(shop, action, here, there), exact }
}

/** Both names exist and the source is ours. The target was free at the intent. */
async function statePaired (shop: Shop, action: Relocate, here: Identity, there: Identity): Promise<ActionState> {
  if (sameInode(here, there)) return 'half'
  const target = compare(identityAfter(action), there)
  if (here.kind === 'link') return target === 'same' ? 'half' : 'blocked'
  if (there.kind === 'file' && there.size === 0) return 'placeholder'
  if (target !== 'similar' && target !== 'same') return 'blocked'
  // a finished copy from another volume, or a stranger that only looks like it
  const equal = await shop.disk.sha256(action.from) === await shop.disk.sha256(action.to)
  return equal ? 'half' : 'blocked'
}

/** Source and target are one entry: only the directory says which spelling it bears. */
async function inspectCaseOnly (shop: Shop, action: Relocate): Promise<Inspection> {
  const names = await shop.disk.readdir(dirname(action.to))
  const exact = true
  if (names.includes(basename(action.to))) return { state: 'done', exact }
  return { state: names.includes(basename(action.from)) ? 'open' : 'gone', exact }
}

/** Brings the move to its end from wherever it stands. `strict`: only the very file of the intent is moved. */
export async function performRelocate (shop: Shop, action: Relocate, strict: boolean): Promise<void> {
  const { state, exact } = await inspectRelocate(shop, action)
  switch (state) {
    case 'done':
      break
    case 'half':
      await shop.disk.unlink(action.from)
      break
    case 'gone':
      throw new NotFoundError(`${basename(action.from)} is not there any more`, 'source-missing')
    case 'blocked':
      throw exact ? taken(action) : new ConflictError(`${basename(action.from)} has changed meanwhile`, 'source-changed')
    case 'placeholder':
      if (strict) throw taken(action)
      await shop.disk.unlink(action.to)
      return move(shop, action)
    case 'open':
      if (strict && !exact) throw new ConflictError(`${basename(action.from)} has changed meanwhile`, 'source-changed')
      return move(shop, action)
  }
  await noteArrival(shop, action)
}

function taken (action: Relocate): ConflictError {
  return new ConflictError(`A file named ${basename(action.to)} already exists at the destination`, 'destination-exists')
}

async function move (shop: Shop, action: Relocate): Promise<void> {
  if (action.trash === 'in') await shop.openTrash(dirname(action.to))
  const { crossed, sha256 } = await moveFile(action.from, action.to, {
    disk: shop.disk,
    temporary: shop.temporary(dirname(action.to)),
    ...(action.linkTarget === undefined ? {} : { linkTarget: action.linkTarget })
  })
  if (crossed) await noteArrival(shop, action, sha256)
}

/** A copy on another volume has an identity of its own; undo will ask for it. */
async function noteArrival (shop: Shop, action: Relocate, sha256: string | null = null): Promise<void> {
  if (action.identity.kind !== 'file') return
  const arrived = await identify(shop.disk, action.to)
  if (arrived === null || (sha256 === null && compare(identityAfter(action), arrived) !== 'similar')) return
  const known = sha256 ?? action.identity.sha256
  action.after = known === undefined ? arrived : { ...arrived, sha256: known }
}

/** Takes the move back from wherever it stands. What is not ours at the target stays. */
export async function revertRelocate (shop: Shop, action: Relocate): Promise<void> {
  const { state } = await inspectRelocate(shop, action)
  if (state === 'placeholder') return shop.disk.unlink(action.to)
  if (state === 'half') return shop.disk.unlink(action.to)
  if (state === 'gone') shop.logger.warn({ file: action.from }, 'a file of an operation that is rolled back is neither here nor there')
  if (state !== 'done') return
  const back = inverse(action)
  if (back.kind === 'relocate') await move(shop, back)
}
