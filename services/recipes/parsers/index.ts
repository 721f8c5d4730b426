import { isObject } from '../../models/read-value.ts'
import type { ImageMetadata } from '../../images/metadata-types.ts'
import { automatic } from './automatic.ts'
import { civitaiImage } from './civitai-image.ts'
import { comfy } from './comfy/comfy.ts'
import { drawThings } from './draw-things.ts'
import { easyDiffusion } from './easy-diffusion.ts'
import { createEvidence } from './evidence.ts'
import { fooocus, fooocusMre, ruinedFooocus } from './fooocus.ts'
import { hfSpace } from './hf-space.ts'
import { invokeai } from './invokeai.ts'
import { metaFormat } from './meta-format.ts'
import { novelai } from './novelai.ts'
import { plainTags } from './plain-tags.ts'
import { recipeFormat } from './recipe-format.ts'
import { stabilityMatrix } from './stability-matrix.ts'
import { swarm } from './swarm.ts'
import { tensorart } from './tensorart.ts'
import type { MetadataParser, ParsedImage } from './types.ts'

/** Every format, in the order of their word: those that can't be mistaken first. A further format is a line here. */
export const parsers: readonly MetadataParser[] = [
  recipeFormat,
  invokeai,
  stabilityMatrix,
  tensorart,
  easyDiffusion,
  novelai,
  drawThings,
  swarm,
  automatic,
  comfy,
  ruinedFooocus,
  hfSpace,
  fooocus,
  fooocusMre,
  metaFormat,
  plainTags
]

/** What an image says of its making, null when nothing that is known. Never throws: a parser that fails is noted and passed over. */
export function parseImage (metadata: Pick<ImageMetadata, 'texts' | 'width' | 'height'>): ParsedImage | null {
  const evidence = createEvidence(metadata)
  const failures: string[] = []
  for (const { name, parse } of parsers) {
    try {
      const parsed = parse(evidence)
      if (parsed) return { ...parsed, warnings: [...failures, ...parsed.warnings] }
    } catch (error) {
      failures.push(`${name} could not be read: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return null
}

/** A text without its image, such as what a client sends on. */
export function parseText (text: string): ParsedImage | null {
  return parseImage({ texts: [{ carrier: 'text', keyword: 'parameters', text }], width: null, height: null })
}

/** Metadata as an object: that of CivitAI's API, or else the JSON of any format. */
export function parseMeta (meta: object): ParsedImage | null {
  return isObject(meta) ? civitaiImage(meta) ?? parseText(JSON.stringify(meta)) : null
}
