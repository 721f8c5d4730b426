import { isObject, readObject } from '../models/read-value.ts'
import { isSameImage } from './rendition.ts'

type Document = Record<string, unknown>

/** An element of `civitai.images` or `civitai.customImages`; members that nobody here knows stay as they are. */
export type ImageElement = Record<string, unknown>

/** A rating that the user gave: a later refresh of the metadata leaves it. */
export const RATED_BY_USER = 'ratedByUser'

/** Elements as they stand, whatever is in the list: their places are the names of files. */
export function regularImages (document: Document | undefined): unknown[] {
  const images = readObject(document?.civitai)?.images
  return Array.isArray(images) ? images : []
}

export function customImages (document: Document | undefined): unknown[] {
  const images = readObject(document?.civitai)?.customImages
  return Array.isArray(images) ? images : []
}

export function customIds (document: Document | undefined): string[] {
  return customImages(document).flatMap((image) => isObject(image) && typeof image.id === 'string' ? [image.id] : [])
}

/** The address to fetch an element from, undefined for one that has none or is marked as gone. */
export function wantedUrl (element: unknown): string | undefined {
  if (!isObject(element) || element.downloadFailed === true) return undefined
  return typeof element.url === 'string' && element.url !== '' ? element.url : undefined
}

/** Marks what can't be had any more, with the reason; elements are never taken out, since their places are names of files. */
export function markMissing (document: Document, reasons: ReadonlyMap<string, string>): void {
  for (const image of regularImages(document)) {
    if (!isObject(image) || image.downloadFailed === true) continue
    const [, reason] = [...reasons].find(([url]) => isSameImage(image.url, url)) ?? []
    if (reason === undefined) continue
    image.downloadFailed = true
    image.downloadError ??= reason
  }
}

export function hasMarks (document: Document | undefined): boolean {
  return regularImages(document).some((image) => isObject(image) && image.downloadFailed === true)
}

/** The user wants them to be tried once more. */
export function clearMarks (document: Document): void {
  for (const image of regularImages(document)) {
    if (!isObject(image) || image.downloadFailed !== true) continue
    delete image.downloadFailed
    delete image.downloadError
  }
}

/** Adds images that have no address behind those that are there. */
export function appendRegularImages (document: Document, images: readonly ImageElement[]): void {
  document.civitai = { ...readObject(document.civitai), images: [...regularImages(document), ...images] }
}

/** Adds those whose id is not there yet. */
export function addCustomImages (document: Document, images: readonly ImageElement[]): void {
  const known = new Set(customIds(document))
  const added = images.filter(({ id }) => !known.has(String(id)))
  if (added.length > 0) document.civitai = { ...readObject(document.civitai), customImages: [...customImages(document), ...added] }
}

export function removeCustomImage (document: Document, id: string): void {
  document.civitai = { ...readObject(document.civitai), customImages: customImages(document).filter((image) => !(isObject(image) && image.id === id)) }
}

export type ImageSelector = { source: 'custom', id: string } | { source: 'civitai', url: string } | { source: 'civitai', index: number }

/** The element that a client means, undefined when there is none. */
export function selectImage (document: Document | undefined, selector: ImageSelector): ImageElement | undefined {
  const found = selector.source === 'custom'
    ? customImages(document).find((image) => isObject(image) && image.id === selector.id)
    : 'url' in selector
      ? regularImages(document).find((image) => isObject(image) && image.url === selector.url)
      : regularImages(document)[selector.index]
  return isObject(found) ? found : undefined
}

export function rateImage (document: Document, selector: ImageSelector, level: number): void {
  const image = selectImage(document, selector)
  if (!image) return
  image.nsfwLevel = level
  if (selector.source === 'civitai') image[RATED_BY_USER] = true
}
