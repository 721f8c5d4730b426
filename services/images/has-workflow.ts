import { readEmbeddedTexts } from './embedded-texts.ts'
import type { ImageSource } from './metadata-types.ts'

/** Whether the file carries a ComfyUI workflow (UI graph). A file that can't be read carries none. */
export async function hasWorkflow (source: ImageSource): Promise<boolean> {
  try {
    return (await readEmbeddedTexts(source)).workflow !== null
  } catch {
    return false
  }
}
