import { createRecipePreview } from '../services/images/recipe-preview.ts'
import { drawLandscape } from './drawing.ts'
import type { Random } from './random.ts'

/** A drawn picture as recipes keep theirs: WebP, card width at most. */
export async function recipePicture (random: Random): Promise<Buffer> {
  const drawing = drawLandscape(random, 384, 512)
  return (await createRecipePreview(drawing)).data ?? drawing
}
