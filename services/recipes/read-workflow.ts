import { readEmbeddedTexts } from '../images/embedded-texts.ts'
import { isObject } from '../models/read-value.ts'

/** The ComfyUI graph in an image: the one of the editor, else the one that was executed. null without one. */
export async function readWorkflow (imagePath: string): Promise<Record<string, unknown> | null> {
  // an image that is gone or can't be read carries none
  const texts = await readEmbeddedTexts(imagePath).catch(() => null)
  return parseGraph(texts?.workflow) ?? parseGraph(texts?.prompt)
}

function parseGraph (text: string | null | undefined): Record<string, unknown> | null {
  if (!text?.trimStart().startsWith('{')) return null
  try {
    const graph: unknown = JSON.parse(text)
    return isObject(graph) ? graph : null
  } catch {
    return null
  }
}
