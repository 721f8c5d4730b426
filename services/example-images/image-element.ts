import type { ImageSize, MediaFacts } from './describe-media.ts'
import { isVideoName } from './media-names.ts'
import type { ImageElement } from './sidecar-images.ts'

/** What clients assume of a film, and of an image that nobody can measure. */
const UNKNOWN_SIZE: ImageSize = { width: 720, height: 1280 }

export interface ElementFacts extends MediaFacts { name: string }

/** An element for a file that came from no address, as clients of the family write it. */
export function imageElement ({ name, size, meta }: ElementFacts): ImageElement {
  const { width, height } = size ?? UNKNOWN_SIZE
  const prompt = meta?.prompt
  return {
    url: '',
    nsfwLevel: 0,
    width,
    height,
    type: isVideoName(name) ? 'video' : 'image',
    meta,
    hasMeta: meta !== null,
    hasPositivePrompt: typeof prompt === 'string' && prompt !== ''
  }
}

export function customElement (id: string, facts: ElementFacts): ImageElement {
  const { url, ...rest } = imageElement(facts)
  return { url, id, ...rest }
}
