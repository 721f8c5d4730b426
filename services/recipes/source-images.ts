import { readPageAddress } from '../civitai/addresses.ts'
import type { CivitaiClient } from '../civitai/types.ts'
import { DomainError, InvalidInputError } from '../errors.ts'
import { isVideo } from '../images/sniff-media.ts'
import type { CallOptions } from '../network/types.ts'
import { readPageFacts, type PageFacts } from './page-facts.ts'
import type { MediaIntake } from './media-intake.ts'
import { mergeReadings } from './merge-readings.ts'
import type { ImageReader, ReadImage } from './read-image.ts'

/** An image or video that is to become a recipe, with all that is told of it. */
export interface SourceImage extends ReadImage {
  /** Where its bytes lie while the work runs. */
  file: string
  /** By what the bytes are, with the dot; ".jpg" for what is nothing that is known. */
  extension: string
  video: boolean
  /** What CivitAI says, when it came from one of its image pages. */
  page: PageFacts | null
}

/** Brings images from where they are, for as long as the work takes. */
export interface SourceImages {
  /**
   * From CivitAI's page of it (the smaller rendition, or the original where only that carries the workflow), or from its own address.
   * @throws AddressRefusedError; DomainError `invalid` when it can't be had or is none
   */
  fromUrl<T> (url: string, options: CallOptions, work: (image: SourceImage) => Promise<T>): Promise<T>
  /** A file, which stays as it is; `format` null when it is no image or video. */
  fromFile<T> (path: string, options: CallOptions, work: (image: SourceImage) => Promise<T>): Promise<T>
  /** What CivitAI says of the image whose page this is; null for other addresses and when it does not say. */
  pageFacts (url: string, options?: CallOptions): Promise<PageFacts | null>
}

export interface SourceImagesDeps {
  intake: MediaIntake
  reader: ImageReader
  civitai: Pick<CivitaiClient, 'image'>
}

export function createSourceImages ({ intake, reader, civitai }: SourceImagesDeps): SourceImages {
  async function requireFacts (url: string, options: CallOptions): Promise<PageFacts | null> {
    const address = readPageAddress(url)
    if (address?.page !== 'image') return null
    const outcome = await civitai.image(address.imageId, { urgent: true, ...options })
    if (outcome.kind === 'not-found') throw new DomainError('invalid', 'image-not-found', `CivitAI has no image ${address.imageId}`)
    if (outcome.kind !== 'found') throw new DomainError('invalid', outcome.kind === 'rate-limited' ? 'rate-limited' : 'download-failed', 'CivitAI could not be asked for the image; try again later')
    const facts = readPageFacts(address.imageId, outcome.value)
    if (!facts) throw new DomainError('invalid', 'image-not-found', 'CivitAI names no address of this image')
    return facts
  }

  async function take (url: string, files: Set<string>, options: CallOptions): Promise<string> {
    const file = await intake.fetch(url, options)
    files.add(file)
    return file
  }

  /** The file to go on with: an original is fetched when the rendition carries nothing, and kept when it carries a workflow. */
  async function read (url: string, page: PageFacts | null, files: Set<string>, options: CallOptions): Promise<{ file: string, read: ReadImage }> {
    const file = await take(page?.url ?? url, files, options)
    const first = await reader.file(file, options)
    if (!page || page.video || page.originalUrl === page.url || first.problem === null) return { file, read: first }
    const original = await take(page.originalUrl, files, options).catch(notHad)
    if (original === null) return { file, read: first }
    const second = await reader.file(original, options)
    return second.hasWorkflow ? { file: original, read: second } : { file, read: { ...second, format: first.format } }
  }

  return {
    async fromUrl (url, options, work) {
      const files = new Set<string>()
      try {
        const page = await requireFacts(url, options)
        const { file, read: embedded } = await read(url, page, files, options)
        const { format } = embedded
        if (format === null) throw new InvalidInputError('The address does not lead to an image or video', 'not-an-image')
        const told = page?.meta ? await reader.meta(page.meta, options) : null
        const image = mergeReadings(embedded.image, told)
        return await work({ ...embedded, image, problem: image ? null : embedded.problem, file, page, video: isVideo(format), extension: format })
      } finally {
        for (const file of files) await intake.remove(file)
      }
    },
    async fromFile (path, options, work) {
      const embedded = await reader.file(path, options)
      return await work({ ...embedded, file: path, page: null, video: embedded.format !== null && isVideo(embedded.format), extension: embedded.format ?? '.jpg' })
    },
    async pageFacts (url, options = {}) {
      const address = readPageAddress(url)
      const outcome = address?.page === 'image' ? await civitai.image(address.imageId, options) : null
      return address?.page === 'image' && outcome?.kind === 'found' ? readPageFacts(address.imageId, outcome.value) : null
    }
  }
}

/** What is not had for the sake of completeness stops nothing. */
function notHad (error: unknown): null {
  if (error instanceof DomainError) return null
  throw error
}
