import { stemOf } from './model-file.ts'
import { MAX_LORAS, checkpointOf, genParams, loraOf, parsedImage, present } from './parsed-image.ts'
import { fieldsIn, fieldsOfText, integerIn, listIn, nameIn, numberIn, promptIn, seedIn, sizeIn, type Fields } from './read-fields.ts'
import type { MetadataParser, ParsedImage } from './types.ts'

/** Draw Things: XMP whose comment is JSON with short keys. */
export const drawThings: MetadataParser = {
  name: 'draw-things',
  parse (evidence) {
    const named = evidence.text('xmp:CreatorTool')?.startsWith('Draw Things') === true
    const texts = named ? [evidence.text('exif:UserComment') ?? '', ...evidence.candidates()] : evidence.candidates()
    for (const text of texts) {
      const root = fieldsOfText(text, evidence.json)
      if (root && typeof root.c === 'string' && (named || ('uc' in root && 'model' in root && 'sampler' in root))) return fromSettings(root)
    }
    return null
  }
}

/** 0 means "not set" for steps and scale; `v2` holds all settings where there is one. */
function fromSettings (root: Fields): ParsedImage {
  const all = fieldsIn(root.v2)
  const skipped = integerIn(all.clipSkip)
  return parsedImage('draw-things', 'from_generator_metadata', {
    genParams: genParams({
      prompt: promptIn(root.c),
      negative_prompt: promptIn(root.uc),
      steps: integerIn(root.steps) || integerIn(all.steps) || undefined,
      sampler: nameIn(root.sampler),
      cfg_scale: numberIn(root.scale) || numberIn(all.guidanceScale) || undefined,
      seed: seedIn(root.seed) ?? seedIn(all.seed),
      size: sizeIn(root.size),
      clip_skip: skipped !== undefined && skipped > 0 ? skipped : undefined,
      denoising_strength: numberIn(root.strength)
    }),
    checkpoint: checkpointOf({ name: stemOf(nameIn(root.model) ?? ''), fileName: root.model }),
    loras: present([...listIn(root.lora), ...(Array.isArray(root.lora) ? [] : listIn(all.loras))].slice(0, MAX_LORAS).map((entry) => {
      const lora = fieldsIn(entry)
      const file = nameIn(lora.model) ?? nameIn(lora.file)
      return file === undefined ? null : loraOf({ name: stemOf(file), fileName: file, strength: lora.weight })
    }))
  })
}
