import { createHash } from 'node:crypto'
import { basename, dirname } from 'node:path'
import { ConflictError, NotFoundError } from '../errors.ts'
import { moveFile } from '../files/move-file.ts'
import { SMALL_FILE, inverse } from './actions.ts'
import type { Content, Rewrite } from './actions.ts'
import type { JournalDisk } from './disk.ts'
import type { ActionState, Shop } from './shop.ts'

export function sha256Of (data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

/** A small file with its bytes; null when it is large, a link or no file. */
export async function readContent (disk: JournalDisk, path: string): Promise<{ content: Content, data: Buffer } | null> {
  const found = await disk.lstat(path)
  if (found?.kind !== 'file' || found.size > SMALL_FILE) return null
  const data = await disk.readFile(path)
  const content = { sha256: sha256Of(data), size: data.length, mtimeMs: found.mtimeMs, mode: found.mode }
  return { content, data }
}

type Held = 'it' | 'empty' | 'other' | 'absent'

/** What a path holds, told by content: inodes of rewritten files say nothing. */
async function held (disk: JournalDisk, path: string, content: Content | null): Promise<Held> {
  const found = await disk.lstat(path)
  if (found === null) return 'absent'
  if (found.kind !== 'file') return 'other'
  if (content !== null && found.size === content.size && await hashOfSmall(disk, path) === content.sha256) return 'it'
  return found.size === 0 ? 'empty' : 'other'
}

export async function inspectRewrite (shop: Shop, action: Rewrite): Promise<ActionState> {
  const { from, to, old, next } = action
  if (from !== null && from === to) return inspectInPlace(shop, from, old, next)
  const source = from === null ? 'absent' : await held(shop.disk, from, old)
  const target = to === null ? 'absent' : await held(shop.disk, to, next)
  if (to === null) return source === 'absent' ? 'done' : source === 'it' ? 'open' : 'blocked'
  if (target === 'it') return source === 'it' ? 'half' : 'done'
  if (target === 'other') return from !== null && source === 'absent' ? 'done' : 'blocked'
  if (source === 'it' || from === null) return target === 'empty' ? 'placeholder' : 'open'
  return source === 'absent' ? 'gone' : 'blocked'
}

async function inspectInPlace ({ disk }: Shop, path: string, old: Content | null, next: Content | null): Promise<ActionState> {
  const found = await disk.lstat(path)
  if (found === null) return 'gone'
  if (found.kind !== 'file' || ![old?.size, next?.size].includes(found.size)) return 'blocked'
  // Both may have one size: the file is read once for the two of them.
  const sha256 = await hashOfSmall(disk, path)
  if (sha256 === next?.sha256) return 'done'
  return sha256 === old?.sha256 ? 'open' : 'blocked'
}

async function hashOfSmall (disk: JournalDisk, path: string): Promise<string> {
  return sha256Of(await disk.readFile(path))
}

/** Brings the rewrite to its end from wherever it stands; the bytes decide, so it never takes away what it doesn't know. */
export async function performRewrite (shop: Shop, action: Rewrite, strict: boolean): Promise<void> {
  const { from, to } = action
  const name = basename(to ?? from ?? '')
  const state = await inspectRewrite(shop, action)
  switch (state) {
    case 'done':
      return
    case 'gone':
      throw new NotFoundError(`${name} is not there any more`, 'source-missing')
    case 'blocked':
      if (to !== null && to !== from && await shop.disk.lstat(to) !== null) throw taken(name)
      throw new ConflictError(`${name} has been changed or made by another program`, 'source-changed')
    case 'placeholder':
      if (strict) throw taken(name)
      if (to !== null) await shop.disk.unlink(to)
      await install(shop, action)
      break
    case 'open':
      await install(shop, action)
      break
    case 'half':
      break
  }
  if (from !== null && from !== to) await shop.disk.unlink(from)
}

function taken (name: string): ConflictError {
  return new ConflictError(`A file named ${name} already exists at the destination`, 'destination-exists')
}

async function install (shop: Shop, action: Rewrite): Promise<void> {
  const { from, to, old, next } = action
  if (to === null || next === null) return
  const data = shop.bytes(next.sha256)
  if (data === undefined) throw new ConflictError(`The content of ${basename(to)} was not kept`, 'content-not-kept')
  const temporary = shop.temporary(dirname(to))
  try {
    await shop.disk.writeNew(temporary, data, { mtimeMs: next.mtimeMs, mode: next.mode ?? old?.mode })
    if (from === to) await shop.disk.rename(temporary, to)
    else await moveFile(temporary, to, { disk: shop.disk })
  } catch (error) {
    if (await shop.disk.lstat(temporary) !== null) await shop.disk.unlink(temporary)
    throw error
  }
}

/** Takes the rewrite back from wherever it stands. */
export async function revertRewrite (shop: Shop, action: Rewrite): Promise<void> {
  const state = await inspectRewrite(shop, action)
  if (state === 'placeholder' && action.to !== null) return shop.disk.unlink(action.to)
  if (state === 'gone') shop.logger.warn({ file: action.from ?? action.to }, 'a file of an operation that is rolled back is neither here nor there')
  if (state !== 'half' && state !== 'done') return
  const back = inverse(action)
  if (back.kind === 'rewrite') await performRewrite(shop, back, false)
}
