import { OfflineError } from '../errors.ts'
import { isObject } from '../models/read-value.ts'
import { findFolder } from './folder-files.ts'
import { customIdOf, positionOf } from './media-names.ts'
import type { ExamplePlaces } from './places.ts'

type Images = Record<string, unknown>

/** For answers of other stacks: which images of a model clients can show. */
export interface ShownImages {
  /**
   * `images` and `customImages` of a CivitAI part, without those that only a file could show and whose file is gone. What is on disk stays as it
   * is, and so does the answer while there is no folder of the model or it can't be read. In the midst of `images` such an element stays, marked
   * `downloadFailed`: the places of the others are names of files.
   */
  among (sha256: string, civitai: Images): Promise<Images>
}

export function createShownImages ({ places }: { places: Pick<ExamplePlaces, 'find'> }): ShownImages {
  async function namesOf (sha256: string): Promise<readonly string[] | undefined> {
    const place = places.find()
    try {
      return place && (await findFolder(place, sha256))?.names
    } catch (error) {
      if (error instanceof OfflineError) return undefined
      throw error
    }
  }

  return {
    async among (sha256, civitai) {
      const { images, customImages } = civitai
      const restsOnFiles = list(images).some(hasNoAddress) || list(customImages).some((image) => idOf(image) !== undefined)
      const names = restsOnFiles && sha256 !== '' ? await namesOf(sha256) : undefined
      if (!names) return civitai
      return {
        ...civitai,
        ...(Array.isArray(images) && { images: regularAmong(images, new Set(names.flatMap((name) => positionOf(name) ?? []))) }),
        ...(Array.isArray(customImages) && { customImages: customAmong(customImages, new Set(names.flatMap((name) => customIdOf(name) ?? []))) })
      }
    }
  }
}

function regularAmong (images: readonly unknown[], present: ReadonlySet<number>): unknown[] {
  const isGone = (image: unknown, place: number): boolean => hasNoAddress(image) && !present.has(place)
  const last = images.findLastIndex((image, place) => !isGone(image, place))
  return images.slice(0, last + 1).map((image, place) => isObject(image) && isGone(image, place) ? { ...image, downloadFailed: true } : image)
}

function customAmong (images: readonly unknown[], present: ReadonlySet<string>): unknown[] {
  return images.filter((image) => {
    const id = idOf(image)
    return id === undefined || present.has(id)
  })
}

function list (value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

function hasNoAddress (image: unknown): boolean {
  return isObject(image) && image.url === ''
}

function idOf (image: unknown): string | undefined {
  return isObject(image) && typeof image.id === 'string' && image.id !== '' ? image.id : undefined
}
