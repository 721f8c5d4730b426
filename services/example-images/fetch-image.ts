import { open, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { DomainError } from '../errors.ts'
import { ownTempPath } from '../files/atomic-write.ts'
import { moveFile } from '../files/move-file.ts'
import { SNIFFED_BYTES, sniffMedia } from '../images/sniff-media.ts'
import { destinationNames } from '../network/destinations.ts'
import { discard } from '../network/read-body.ts'
import type { Door, DoorStream } from '../network/types.ts'
import { ExampleFolderAwayError } from './errors.ts'
import { makeFolder } from './make-folder.ts'
import { exampleExtension } from './media-names.ts'
import type { ExamplePlace } from './places.ts'
import { renditionsOf } from './rendition.ts'

/** What came of one image. Only `not-found`, `forbidden` and `unsupported` say anything about the image itself. */
export type ImageOutcome =
  | { kind: 'saved', name: string }
  | { kind: 'not-found' }
  | { kind: 'forbidden', message: string }
  | { kind: 'unsupported' }
  | { kind: 'rate-limited', message: string }
  /** Nothing at all may, or can, be asked now. */
  | { kind: 'offline', message: string }
  | { kind: 'failed', message: string }

export interface ImageRequest {
  url: string
  optimize: boolean
  place: ExamplePlace
  /** Made with the first byte that is worth keeping. */
  folder: string
  /** Name without extension, which the bytes decide. */
  stem: string
  signal: AbortSignal
  /** The host asks for patience: so many milliseconds. */
  onWait (milliseconds: number): void
  /** Asked when the image came whole, before it takes its place: what lies there shall go. */
  makeRoom?: () => Promise<void>
}

export interface FetchImageDeps {
  door: Pick<Door, 'stream'>
  /** Before the second try of a host that is unwell; doubled for each further one. */
  firstPauseMs?: number
}

const TRIES = 4
const MOST_BYTES = 512 * 1024 * 1024
/** The longest that a host may ask for, and a little. */
const PATIENCE_MS = 16 * 60 * 1000
/** What a host asks for when it names no time: the budget waits about so long. */
const USUAL_WAIT_MS = 1500
const unwell = (status: number): boolean => status === 408 || status >= 500
const cutOff = new Set(['offline-mode', 'destination-off', 'shutting-down', 'host-offline', 'upstream-unreachable'])

export type FetchImage = (request: ImageRequest) => Promise<ImageOutcome>

/**
 * Fetches one image to its place, the smaller rendition first; nothing is replaced, and nothing stays of what did not come whole.
 * @throws the signal's reason, ExampleFolderAwayError, errors of the disk
 */
export function createFetchImage ({ door, firstPauseMs = 1000 }: FetchImageDeps): FetchImage {
  async function ask (url: string, request: ImageRequest): Promise<ImageOutcome> {
    for (let tries = 1; ; tries++) {
      const outcome = await askOnce(url, request)
      if (outcome.kind !== 'retry') return outcome
      if (tries >= TRIES) return outcome.last
      if (outcome.last.kind === 'failed') await delay(firstPauseMs * 2 ** (tries - 1), undefined, { signal: request.signal }).catch(() => { throw request.signal.reason })
    }
  }

  async function askOnce (url: string, request: ImageRequest): Promise<ImageOutcome | { kind: 'retry', last: ImageOutcome }> {
    try {
      const answer = await door.stream({ destination: destinationNames.media, url, signal: request.signal, patienceMs: PATIENCE_MS })
      if (answer.status === 200) return await receive(answer, request)
      discard(answer.body, answer.headers)
      return judge(answer, request)
    } catch (error) {
      request.signal.throwIfAborted()
      if (!(error instanceof DomainError) || error instanceof ExampleFolderAwayError) throw error
      return judgeFault(error)
    }
  }

  return async (request) => {
    let outcome: ImageOutcome = { kind: 'not-found' }
    // A rendition that is missing says nothing of the original.
    for (const url of renditionsOf(request.url, request.optimize)) {
      outcome = await ask(url, request)
      if (outcome.kind !== 'not-found') return outcome
    }
    return outcome
  }
}

function judge ({ status, retryAfter }: DoorStream, { onWait, url }: ImageRequest): ImageOutcome | { kind: 'retry', last: ImageOutcome } {
  if (status === 404 || status === 410) return { kind: 'not-found' }
  const { hostname } = new URL(url)
  if (status === 429) {
    onWait(retryAfter === undefined ? USUAL_WAIT_MS : retryAfter * 1000)
    return { kind: 'retry', last: { kind: 'rate-limited', message: `${hostname} asks for patience` } }
  }
  const message = `${hostname} answered ${status}`
  if (status === 401 || status === 403) return { kind: 'forbidden', message }
  const failed: ImageOutcome = { kind: 'failed', message }
  return unwell(status) ? { kind: 'retry', last: failed } : failed
}

function judgeFault (error: DomainError): ImageOutcome | { kind: 'retry', last: ImageOutcome } {
  if (error.code === 'rate-limited') return { kind: 'rate-limited', message: error.message }
  if (cutOff.has(error.code)) return { kind: 'offline', message: error.message }
  const failed: ImageOutcome = { kind: 'failed', message: error.message }
  return error.kind === 'upstream' && error.code !== 'answer-too-large' ? { kind: 'retry', last: failed } : failed
}

/** The first byte may well be the last: a folder is made only for something that will stay. */
async function receive ({ body, headers }: DoorStream, request: ImageRequest): Promise<ImageOutcome> {
  const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  try {
    const head = await readHead(chunks)
    const extension = exampleExtension(sniffMedia(head))
    if (extension === undefined) return judgeStranger(head, String(headers['content-type'] ?? ''))
    await makeFolder(request.place, request.folder)
    return await lay(head, chunks, `${request.stem}${extension}`, request)
  } finally {
    body.once('error', () => undefined).destroy()
  }
}

async function readHead (chunks: AsyncIterator<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = []
  for (let length = 0; length < SNIFFED_BYTES;) {
    const { value, done } = await chunks.next()
    if (done === true) break
    parts.push(value)
    length += value.length
  }
  return Buffer.concat(parts)
}

/** A page instead of an image is a host that is unwell; a film in a format that nobody shows is an answer. */
function judgeStranger (head: Buffer, type: string): ImageOutcome {
  if (sniffMedia(head) !== undefined) return { kind: 'unsupported' }
  return { kind: 'failed', message: head.length === 0 ? 'The answer was empty' : `The answer was no image or video${/^[\w/.+-]{1,60}/.test(type) ? ` (${type.split(';')[0]})` : ''}` }
}

async function lay (head: Buffer, chunks: AsyncIterator<Buffer>, name: string, { folder, makeRoom }: ImageRequest): Promise<ImageOutcome> {
  const target = `${folder}/${name}`
  const temporary = ownTempPath(target)
  try {
    const file = await open(temporary, 'wx')
    try {
      if (!await writeAll(file, head, chunks)) return { kind: 'failed', message: `The file is larger than ${MOST_BYTES / 1024 ** 2} MB` }
      await file.datasync()
    } finally {
      await file.close()
    }
    await makeRoom?.()
    await moveFile(temporary, target).catch((error: unknown) => {
      // Another program was faster: its file is as good.
      if (!(error instanceof DomainError) || error.code !== 'destination-exists') throw error
    })
    return { kind: 'saved', name }
  } finally {
    await unlink(temporary).catch((error: NodeJS.ErrnoException) => { if (error.code !== 'ENOENT') throw error })
  }
}

async function writeAll (file: FileHandle, head: Buffer, chunks: AsyncIterator<Buffer>): Promise<boolean> {
  let length = head.length
  await file.writeFile(head)
  for (;;) {
    const { value, done } = await chunks.next()
    if (done === true) return true
    length += value.length
    if (length > MOST_BYTES) return false
    await file.writeFile(value)
  }
}
