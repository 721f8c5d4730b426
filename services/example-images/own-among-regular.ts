import type { Step } from '../journal/types.ts'
import { isObject, readObject } from '../models/read-value.ts'
import { numberedFiles } from './count-from-zero.ts'
import { extensionOf } from './media-names.ts'
import { addCustomImages, regularImages } from './sidecar-images.ts'

/** What older versions took in as regular images without an address: which they are, and where their files and those behind them go. */
export interface OwnAmongRegular {
  /** New id by place in `civitai.images`. */
  ids: ReadonlyMap<number, string>
  moves: Extract<Step, { kind: 'move' }>[]
}

/** Undefined when there are none. Elements whose file is missing stay as they are: nothing is lost, and no place shifts for them. */
export function findOwnAmongRegular (folder: string, names: readonly string[], images: readonly unknown[], newId: () => string): OwnAmongRegular | undefined {
  const files = numberedFiles(names).filter(({ position }) => position < images.length)
  const ids = new Map<number, string>()
  for (const { position } of files) {
    const image = images[position]
    if (isObject(image) && image.url === '' && !ids.has(position)) ids.set(position, newId())
  }
  if (ids.size === 0) return undefined
  const taken = [...ids.keys()]
  const own: OwnAmongRegular['moves'] = []
  const behind: OwnAmongRegular['moves'] = []
  for (const { name, position } of files) {
    const id = ids.get(position)
    const to = id === undefined ? `image_${position - taken.filter((place) => place < position).length}` : `custom_${id}`
    const move = { kind: 'move', from: `${folder}/${name}`, to: `${folder}/${to}${extensionOf(name)}` } as const
    if (id !== undefined) own.push(move)
    else if (move.to.toLowerCase() !== move.from.toLowerCase()) behind.push(move)
  }
  // First those that make room, then the others from the lowest place on.
  return { ids, moves: [...own, ...behind] }
}

/** Makes them custom images in the metadata. */
export function separateOwnImages (document: Record<string, unknown>, ids: ReadonlyMap<number, string>): void {
  const images = regularImages(document)
  const own = images.flatMap((image, place) => {
    const id = ids.get(place)
    return id === undefined || !isObject(image) ? [] : [{ ...image, id }]
  })
  document.civitai = { ...readObject(document.civitai), images: images.filter((_image, place) => !ids.has(place)) }
  addCustomImages(document, own)
}
