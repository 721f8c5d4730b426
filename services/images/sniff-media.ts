/** What a file is by its first bytes, as the file ending it should bear. */
export type MediaEnding = '.png' | '.jpg' | '.webp' | '.gif' | '.avif' | '.jxl' | '.tiff' | '.mp4' | '.mov' | '.webm' | '.avi'

/** As many bytes as `sniffMedia` looks at. */
export const SNIFFED_BYTES = 4096

const videos: ReadonlySet<string> = new Set(['.mp4', '.mov', '.webm', '.avi'])

export function isVideo (ending: MediaEnding): boolean {
  return videos.has(ending)
}

const signatures: readonly (readonly [MediaEnding, Buffer])[] = [
  ['.png', Buffer.from('89504e470d0a1a0a', 'hex')],
  ['.jpg', Buffer.from('ffd8ff', 'hex')],
  ['.gif', Buffer.from('GIF87a')],
  ['.gif', Buffer.from('GIF89a')],
  ['.tiff', Buffer.from('49492a00', 'hex')],
  ['.tiff', Buffer.from('4d4d002a', 'hex')],
  ['.jxl', Buffer.from('ff0a', 'hex')],
  ['.jxl', Buffer.from('0000000c4a584c200d0a870a', 'hex')]
]
const EBML = Buffer.from('1a45dfa3', 'hex')
const avifBrands = new Set(['avif', 'avis'])
/** Containers of the same family that no preview is made of: HEIC images, audio. */
const strangeBrands = new Set(['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'mif1', 'msf1', 'M4A ', 'M4B ', 'M4P ', 'crx '])
/** QuickTime files of old begin with one of their boxes, without `ftyp`. */
const quickTimeBoxes = new Set(['moov', 'mdat', 'wide', 'free', 'skip', 'pnot'])

/** Undefined for everything that no preview is made of. Neither name nor content type has a say. */
export function sniffMedia (head: Buffer): MediaEnding | undefined {
  for (const [ending, signature] of signatures) if (head.subarray(0, signature.length).equals(signature)) return ending
  const tag = head.toString('latin1', 0, 4)
  if (tag === 'RIFF') return riff(head.toString('latin1', 8, 12))
  if (head.subarray(0, 4).equals(EBML)) return head.includes('webm') ? '.webm' : undefined
  const box = head.toString('latin1', 4, 8)
  if (box === 'ftyp') return isoMedia(head)
  return quickTimeBoxes.has(box) ? '.mov' : undefined
}

function riff (form: string): MediaEnding | undefined {
  if (form === 'WEBP') return '.webp'
  return form === 'AVI ' ? '.avi' : undefined
}

/** ISO base media: the major brand tells, and where it is a general one, the compatible ones. */
function isoMedia (head: Buffer): MediaEnding | undefined {
  const length = Math.min(head.readUInt32BE(0), head.length)
  const brands: string[] = []
  for (let at = 8; at + 4 <= length; at += 4) if (at !== 12) brands.push(head.toString('latin1', at, at + 4))
  const [major = ''] = brands
  if (major === 'qt  ') return '.mov'
  if (avifBrands.has(major) || (major === 'mif1' && brands.some((brand) => avifBrands.has(brand)))) return '.avif'
  return major === '' || strangeBrands.has(major) ? undefined : '.mp4'
}

/** A PNG that moves: an `acTL` chunk stands before its image data. */
export function isAnimatedPng (head: Buffer): boolean {
  for (let at = 8; at + 8 <= head.length;) {
    const name = head.toString('latin1', at + 4, at + 8)
    if (name === 'acTL') return true
    if (name === 'IDAT') return false
    at += 12 + head.readUInt32BE(at)
  }
  return false
}

/** An AVIF image sequence. */
export function isAnimatedAvif (head: Buffer): boolean {
  return head.toString('latin1', 8, 12) === 'avis'
}
