import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { DomainError } from '../errors.ts'
import type { UploadShelf } from '../files/upload-shelf.ts'
import { destinationNames } from '../network/destinations.ts'
import { AddressRefusedError } from '../network/guard.ts'
import type { Door } from '../network/types.ts'
import { createBase64Decoder } from './base64-decoder.ts'

const MEGABYTE = 1024 * 1024
/** Of one image or video of a recipe, uploaded or fetched. */
export const MOST_MEDIA_BYTES = 256 * MEGABYTE

export interface FetchOptions { signal?: AbortSignal | undefined, urgent?: boolean | undefined }

/** Brings images and videos into files of our own, whatever way they come; whoever asked removes them. */
export interface MediaIntake {
  /** @throws DomainError `too-large`; what breaks the stream */
  keep (content: Readable | Buffer): Promise<string>
  /** Base64 text, or a data URL (what stands before the first comma is dropped). @throws also InvalidInputError for other text */
  keepBase64 (content: Readable | Buffer): Promise<string>
  /**
   * From the public internet, or from a provider of the settings. Not tried twice.
   * @throws AddressRefusedError; DomainError `invalid` with one text for every way it can fail, the reason as its cause
   */
  fetch (url: string, options?: FetchOptions): Promise<string>
  remove (file: string): Promise<void>
}

export interface MediaIntakeDeps {
  uploads: UploadShelf
  door: Pick<Door, 'stream'>
  warn: (message: string, error: unknown) => void
}

export function createMediaIntake ({ uploads, door, warn }: MediaIntakeDeps): MediaIntake {
  async function through (content: Readable | Buffer, ...steps: Transform[]): Promise<string> {
    const last = sizeLimit()
    const source = Buffer.isBuffer(content) ? Readable.from([content]) : content
    const [kept, flow] = await Promise.allSettled([uploads.keep(last), pipeline([source, ...steps, last])])
    if (flow.status === 'rejected') {
      if (kept.status === 'fulfilled') await uploads.remove(kept.value)
      throw flow.reason
    }
    if (kept.status === 'rejected') throw kept.reason
    return kept.value
  }

  async function receive (url: string, { signal, urgent = true }: FetchOptions): Promise<string> {
    const { status, body } = await door.stream({ destination: destinationNames.media, url, signal, urgent })
    if (status !== 200) {
      body.destroy()
      throw new DomainError('upstream', 'upstream-status', `The host answered ${status}`)
    }
    return await through(body)
  }

  return {
    keep: async (content) => await through(content),
    keepBase64: async (content) => await through(content, createBase64Decoder()),
    async fetch (url, options = {}) {
      try {
        return await receive(url, options)
      } catch (error) {
        if (!(error instanceof DomainError) || error instanceof AddressRefusedError || error.kind === 'too-large') throw error
        // A client must not learn from the answer what does or doesn't listen somewhere.
        warn('an image could not be downloaded', error)
        throw new DomainError('invalid', 'download-failed', 'The image could not be downloaded', {}, { cause: error })
      }
    },
    remove: async (file) => { await uploads.remove(file) }
  }
}

function sizeLimit (): Transform {
  let size = 0
  return new Transform({
    transform (chunk: Buffer, _encoding, done) {
      size += chunk.length
      if (size > MOST_MEDIA_BYTES) done(new DomainError('too-large', 'media-too-large', `Images and videos may have at most ${MOST_MEDIA_BYTES / MEGABYTE} MB`))
      else done(null, chunk)
    }
  })
}
