import { readImageMetadata } from '../images/read-metadata.ts'

export interface ImageSize { width: number, height: number }

/** Films are shown in a frame of their own. */
const films = new Set(['.mp4', '.webm', '.mov', '.avi'])

/** Size of an image as it is shown, from its header; null for a film and for whatever tells none. */
export async function measureImage (file: string): Promise<ImageSize | null> {
  const { format, width, height, orientation } = await readImageMetadata(file, { stealth: false })
  if (format === null || films.has(format) || !width || !height) return null
  return orientation >= 5 ? { width: height, height: width } : { width, height }
}
