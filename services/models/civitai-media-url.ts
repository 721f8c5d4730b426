const ORIGINAL = '/original=true'
const SMALLER = { image: '/width=450,optimized=true', video: '/transcode=true,width=450,optimized=true' } as const

/**
 * The smaller rendition of an image or video on the CDN of CivitAI; any other address stays as it is.
 * Only sub-domains serve renditions, not `civitai.com` itself.
 */
export function smallerRendition (address: string, kind: keyof typeof SMALLER = 'image'): string {
  const url = URL.canParse(address) ? new URL(address) : null
  if (!url?.hostname.endsWith('.civitai.com') || !url.pathname.includes(ORIGINAL)) return address
  url.pathname = url.pathname.replace(ORIGINAL, SMALLER[kind])
  return url.href
}
