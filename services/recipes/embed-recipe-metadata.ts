import { embedTexts } from '../images/embed-texts.ts'
import { readEmbeddedTexts } from '../images/embedded-texts.ts'
import { withMarker, type MarkedRecipe } from './recipe-marker.ts'

/**
 * The image with the recipe as its one marker, behind the parameters it has; workflow and prompt stay. Null when the file carries
 * no texts or can't be written without loss: then it is left alone.
 */
export async function embedRecipeMetadata (image: Buffer, recipe: MarkedRecipe): Promise<Buffer | null> {
  const texts = await readEmbeddedTexts(image)
  const base = texts.parameters ?? texts.prompt ?? texts.workflow ?? ''
  return embedTexts(image, { ...texts, parameters: withMarker(base, recipe) })
}
