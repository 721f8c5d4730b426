import { isObject } from '../models/read-value.ts'

/** What stays with an image when the list it stands in is replaced: marks of ours, and what the user said of it. */
const MARKS = ['downloadFailed', 'downloadError'] as const
const RATED_BY_USER = 'ratedByUser'

/** Carries marks and ratings over to the same images of a fresh list, told by their address. */
export function keepImageMarks (former: unknown, fresh: unknown): void {
  if (!Array.isArray(former) || !Array.isArray(fresh)) return
  const known = new Map(former.filter(isObject).map((image) => [image.url, image]))
  for (const image of fresh) {
    const before = isObject(image) && typeof image.url === 'string' && image.url !== '' ? known.get(image.url) : undefined
    if (!before) continue
    for (const mark of MARKS) if (before[mark] !== undefined) image[mark] = before[mark]
    if (before[RATED_BY_USER] !== true) continue
    image.nsfwLevel = before.nsfwLevel
    image[RATED_BY_USER] = true
  }
}
