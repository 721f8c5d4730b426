import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'

/** A small WebP, another for each colour. */
export async function webp (colour = '#446688', { width = 12, height = 18 } = {}): Promise<Buffer> {
  return await sharp({ create: { width, height, channels: 3, background: colour } }).webp().toBuffer()
}

/** Puts a recipe as other programs write it: `<id>.recipe.json` and its image in one folder; answers the path of the document. */
export function putRecipe (directory: string, id: string, document: Record<string, unknown> = {}, image: Uint8Array | null = null, text?: string): string {
  mkdirSync(directory, { recursive: true })
  const imagePath = join(directory, `${id}.webp`)
  if (image) writeFileSync(imagePath, image)
  const path = join(directory, `${id}.recipe.json`)
  writeFileSync(path, text ?? JSON.stringify({ id, file_path: imagePath, title: id, created_date: 1700000000.5, modified: 1700000000.5, base_model: 'SDXL 1.0', loras: [], gen_params: {}, ...document }, null, 4))
  return path
}
