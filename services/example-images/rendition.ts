/** `https://image.civitai.com/<a>/<b>/…`: whatever follows says which rendition is wanted. */
const CDN = /^(https:\/\/image\.civitai\.com\/[^/?#]+\/[^/?#]+)\/./i

/** The addresses to fetch an image from, best first: with `optimize` the smaller rendition of the CDN, then the original. */
export function renditionsOf (url: string, optimize: boolean): string[] {
  const base = optimize ? CDN.exec(url)?.[1] : undefined
  return base === undefined ? [url] : [`${base}/optimized=true`, url]
}

/** A flag may stand at either of them. */
export function isSameImage (url: unknown, other: string): boolean {
  return typeof url === 'string' && renditionsOf(url, true).includes(other)
}
