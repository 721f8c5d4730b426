import { parseMetadataJson } from './metadata-json.ts'
import { readImageMetadata } from './read-metadata.ts'
import type { EmbeddedTexts, ImageMetadata, ImageSource, MetadataText } from './metadata-types.ts'

/** The three texts of a recipe image, wherever the file carries them (recipes §2.3). */
export function embeddedTexts ({ texts }: Pick<ImageMetadata, 'texts'>): EmbeddedTexts {
  const found: EmbeddedTexts = { parameters: null, prompt: null, workflow: null }
  for (const text of texts) {
    const { keyword } = text
    if (keyword === 'parameters' || keyword === 'prompt' || keyword === 'workflow') found[keyword] ??= text.text
  }
  for (const text of texts) if (isWrapper(text)) takeGraphs(found, text.text)
  const description = texts.find(({ keyword }) => keyword === 'ImageDescription')?.text
  if (description !== undefined && saysHow(description)) found.prompt ??= description
  found.parameters ??= texts.find((text) => text.keyword === 'UserComment' && !holdsGraphs(text.text))?.text ?? null
  return found
}

export async function readEmbeddedTexts (source: ImageSource): Promise<EmbeddedTexts> {
  return embeddedTexts(await readImageMetadata(source, { stealth: false }))
}

/** Texts that may hold both graphs in one object, as savers of JPEG, video and JPEG XL write them. */
const isWrapper = ({ keyword }: MetadataText): boolean => keyword === 'UserComment' || keyword === 'comment' || keyword === 'comf' || keyword === 'Comment'

const holdsGraphs = (text: string): boolean => text.startsWith('{') && graphsOf(text) !== null

/** The `prompt` and `workflow` of a wrapper as texts; null when it is none. */
export function graphsOf (text: string): { prompt: string | null, workflow: string | null } | null {
  const json = text.startsWith('{') ? parseMetadataJson(text) : undefined
  if (!json || Array.isArray(json)) return null
  const [prompt, workflow] = [graphText(json.prompt), graphText(json.workflow)]
  return prompt === null && workflow === null ? null : { prompt, workflow }
}

function takeGraphs (found: EmbeddedTexts, text: string): void {
  const graphs = graphsOf(text)
  if (!graphs) return
  found.prompt ??= graphs.prompt
  found.workflow ??= graphs.workflow
}

/** A graph is an object, or the JSON text of one. */
function graphText (value: unknown): string | null {
  if (typeof value === 'string') return value.trimStart().startsWith('{') ? value : null
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? JSON.stringify(value) : null
}

/** Cameras describe images too; only JSON and generation parameters are meant for us. */
const saysHow = (description: string): boolean => description.startsWith('{') || description.includes('Steps: ') || description.includes('Recipe metadata: ')
