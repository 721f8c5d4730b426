import type { Journal, Step } from '../journal/types.ts'
import { namesIn } from './folder-files.ts'
import { freeName } from './free-name.ts'
import { extensionOf, positionOf } from './media-names.ts'
import { BIN_NAME, type ExamplePlace } from './places.ts'
import { newPlaces, type ImageSources } from './sources.ts'

export interface RealignRequest {
  place: ExamplePlace
  hash: string
  /** For people. */
  name: string
  folder: string
  names: readonly string[]
  /** The list as it is now. */
  images: readonly unknown[]
}

/** Names in the folder as they are afterwards. */
export type Realign = (request: RealignRequest) => Promise<string[]>

interface Displaced { name: string, to: number }

/**
 * Brings files back to the places of their images when the list of images was replaced: each by way of the bin, since places are exchanged
 * among them. What has no image any more, and stands in the place of another, stays in the bin.
 */
export function createRealign ({ journal, sources }: { journal: Pick<Journal, 'run'>, sources: ImageSources }): Realign {
  async function move (steps: Step[], name: string): Promise<boolean> {
    if (steps.length === 0) return true
    const { units: [unit] } = await journal.run({ kind: 'example-realign', route: 'download-example-images', summary: `Example images of ${name} in the order of its metadata`, units: [{ key: name, label: name, steps }] })
    return unit?.ok === true
  }

  return async ({ place, hash, name, folder, names, images }) => {
    const former = sources.of(hash)
    const displaced = former ? findDisplaced(names, newPlaces(former, images), images.length) : []
    sources.remember(hash, images)
    if (displaced.length === 0) return [...names]
    const bin = `${place.libraryRoot}/${BIN_NAME}/${hash}`
    const taken = new Set(await namesIn(bin))
    const parked = displaced.map((file) => ({ ...file, as: freeName(file.name, taken) }))
    if (!await move(parked.map(({ name: file, as }) => ({ kind: 'move', from: `${folder}/${file}`, to: `${bin}/${as}` })), name)) return [...names]
    const back = parked.filter(({ to }) => to >= 0).map(({ as, to }): Step => ({ kind: 'move', from: `${bin}/${as}`, to: `${folder}/image_${to}${extensionOf(as)}` }))
    await move([...back, { kind: 'rmdir', path: bin }], name)
    return await namesIn(folder) ?? []
  }
}

function findDisplaced (names: readonly string[], places: readonly number[], count: number): Displaced[] {
  return names.flatMap((name) => {
    const position = positionOf(name)
    const to = position === undefined ? undefined : places[position]
    if (position === undefined || to === undefined || to === position) return []
    // Beyond the list it is in nobody's way.
    return to < 0 && position >= count ? [] : [{ name, to }]
  })
}
