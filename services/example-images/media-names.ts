import { extname } from 'node:path'
import type { MediaEnding } from '../images/sniff-media.ts'

/** What a folder of example images shows; everything else in it is left alone. */
const IMAGE_EXTENSIONS: ReadonlySet<string> = new Set(['.jpg', '.jpeg', '.png', '.webp', '.gif', '.avif', '.jxl'])
const VIDEO_EXTENSIONS: ReadonlySet<string> = new Set(['.mp4', '.webm'])

const REGULAR = /^image_(\d{1,6})\.[^.]+$/i
const CUSTOM = /^custom_([A-Za-z0-9_-]{1,64})\.[^.]+$/i

/** Lower-case with the dot, "" for none. */
export function extensionOf (name: string): string {
  return extname(name).toLowerCase()
}

export function isVideoName (name: string): boolean {
  return VIDEO_EXTENSIONS.has(extensionOf(name))
}

/** Dot files are temporary or somebody else's. */
export function isExampleName (name: string): boolean {
  const extension = extensionOf(name)
  return !name.startsWith('.') && (IMAGE_EXTENSIONS.has(extension) || VIDEO_EXTENSIONS.has(extension))
}

/** The extension that a sniffed file gets here, undefined for what no client shows. */
export function exampleExtension (ending: MediaEnding | undefined): string | undefined {
  return ending !== undefined && (IMAGE_EXTENSIONS.has(ending) || VIDEO_EXTENSIONS.has(ending)) ? ending : undefined
}

/** Position in `civitai.images` that a file belongs to, undefined for every other file. */
export function positionOf (name: string): number | undefined {
  const digits = isExampleName(name) ? REGULAR.exec(name)?.[1] : undefined
  return digits === undefined ? undefined : Number(digits)
}

/** `id` of the element of `civitai.customImages` that a file belongs to, undefined for every other file. */
export function customIdOf (name: string): string | undefined {
  return isExampleName(name) ? CUSTOM.exec(name)?.[1] : undefined
}

/** Regular ones by position, then custom ones in the order of the metadata, then the rest by name. */
export function inShownOrder (names: readonly string[], customOrder: readonly string[] = []): string[] {
  const places = new Map(customOrder.map((id, place) => [id, place]))
  const rank = (name: string): readonly [number, number] => {
    const position = positionOf(name)
    if (position !== undefined) return [0, position]
    const id = customIdOf(name)
    return id === undefined ? [2, 0] : [1, places.get(id) ?? Infinity]
  }
  return [...names].sort((a, b) => {
    const [kindA, placeA] = rank(a)
    const [kindB, placeB] = rank(b)
    if (kindA !== kindB) return kindA - kindB
    if (placeA !== placeB) return placeA < placeB ? -1 : 1
    return a < b ? -1 : 1
  })
}
