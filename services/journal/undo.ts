import { basename, dirname } from 'node:path'
import { ConflictError, DomainError } from '../errors.ts'
import { SMALL_FILE, identityAfter, inverse } from './actions.ts'
import type { Action, Content, PlannedUnit, Relocate, Rewrite } from './actions.ts'
import { claimTarget, foresee, missingParents, nextTrashPlace } from './draft.ts'
import type { Draft } from './draft.ts'
import { describeFailure } from './errors.ts'
import { identify, isUnchanged } from './identity.ts'
import type { Identity } from './identity.ts'
import { readContent } from './rewrite.ts'

export interface UndoPlan {
  units: PlannedUnit[]
  /** What has changed since; with one of them nothing is undone. */
  reasons: string[]
}

type KeptBytes = (sha256: string) => Buffer | undefined

/** Plans the way back, last unit and last action first, and compares everything on it with what the operation left behind. */
export async function planUndo (draft: Draft, done: readonly PlannedUnit[], bytes: KeptBytes): Promise<UndoPlan> {
  const plan: UndoPlan = { units: [], reasons: [] }
  for (const unit of [...done].reverse()) {
    const actions: Action[] = []
    for (const action of [...unit.actions].reverse()) {
      try {
        for (const back of await takeBack(draft, action, bytes)) {
          foresee(draft, back)
          actions.push(back)
        }
      } catch (error) {
        plan.reasons.push(reasonOf(action, error))
      }
    }
    plan.units.push({ n: plan.units.length, key: unit.key, label: unit.label, state: 'pending', error: null, actions, undoes: unit.n })
  }
  return plan
}

function reasonOf (action: Action, error: unknown): string {
  if (error instanceof DomainError) return error.message
  const path = action.kind === 'mkdir' || action.kind === 'rmdir' ? action.path : action.to ?? action.from ?? ''
  return `${basename(path)}: ${describeFailure(error).message}`
}

async function takeBack (draft: Draft, action: Action, bytes: KeptBytes): Promise<Action[]> {
  switch (action.kind) {
    case 'relocate': return action.fromTemporary ? [await takeAway(draft, action)] : takeHome(draft, action)
    case 'rewrite': return rewriteBack(draft, action, bytes)
    case 'mkdir': return action.existed ? [] : [inverse(action)]
    case 'rmdir': return action.existed ? [inverse(action)] : []
  }
}

async function takeHome (draft: Draft, action: Relocate): Promise<Action[]> {
  if (action.caseOnly) return [await respelledBack(draft, action)]
  const back = inverse(action) as Relocate
  const place = action.trash === 'in' ? 'in the trash' : 'at its place'
  const home: Relocate = { ...back, identity: await unchanged(draft, action, place) }
  if (await claimTarget(draft, home.from, home.to) === 'case') home.caseOnly = true
  return [...await missingParents(draft, home.to), home]
}

/** A mere change of case is told by the spelling: the content may have been rewritten after it. */
async function respelledBack (draft: Draft, action: Relocate): Promise<Action> {
  if (!(await draft.disk.readdir(dirname(action.to))).includes(basename(action.to))) throw new ConflictError(`${basename(action.to)} is not at its place any more`)
  if (await claimTarget(draft, action.to, action.from) !== 'case') throw new ConflictError(`The disk takes ${basename(action.from)} for another name now`)
  return inverse(action)
}

/** A file that the operation made: small ones are kept with the intent, large ones go to the trash. */
async function takeAway (draft: Draft, action: Relocate): Promise<Action> {
  const identity = await unchanged(draft, action, 'at its place')
  const small = identity.size <= SMALL_FILE ? await readContent(draft.disk, action.to) : null
  if (small === null) return { kind: 'relocate', from: action.to, ...nextTrashPlace(draft, action.to), trash: 'in', identity }
  draft.kept.set(small.content.sha256, small.data)
  return { kind: 'rewrite', from: action.to, to: null, old: small.content, next: null }
}

async function unchanged (draft: Draft, action: Relocate, place: string): Promise<Identity> {
  const found = draft.entries.get(action.to) === 'vacant' ? null : await identify(draft.disk, action.to)
  const name = basename(action.trash === 'in' ? action.from : action.to)
  if (found === null) throw new ConflictError(`${name} is not ${place} any more`)
  const expected = identityAfter(action)
  if (!await isUnchanged(draft.disk, action.to, expected, found)) throw new ConflictError(`${name} has been changed or replaced since`)
  return expected.sha256 === undefined ? found : { ...found, sha256: expected.sha256 }
}

async function rewriteBack (draft: Draft, action: Rewrite, bytes: KeptBytes): Promise<Action[]> {
  const { from, to, old, next } = inverse(action) as Rewrite
  const present = from === null || old === null ? null : await currentContent(draft, from, old)
  if (next !== null && !draft.kept.has(next.sha256)) {
    const data = bytes(next.sha256)
    if (data === undefined) throw new ConflictError(`The earlier content of ${basename(to ?? '')} is not kept any more`)
    draft.kept.set(next.sha256, data)
  }
  const back: Rewrite = { kind: 'rewrite', from, to, old: present, next }
  if (to === null || to === from) return [back]
  await claimTarget(draft, from, to)
  return [...await missingParents(draft, to), back]
}

/** What the operation wrote, with the time it bears now. */
async function currentContent (draft: Draft, path: string, expected: Content): Promise<Content> {
  const found = await readContent(draft.disk, path)
  if (found?.content.sha256 !== expected.sha256) throw new ConflictError(`${basename(path)} has been changed or removed since`)
  draft.kept.set(found.content.sha256, found.data)
  return found.content
}
