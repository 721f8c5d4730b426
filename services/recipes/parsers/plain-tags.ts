import { stemOf } from './model-file.ts'
import { genParams, loraOf, parsedImage, present } from './parsed-image.ts'
import { promptTags } from './prompt-tags.ts'
import { promptIn } from './read-fields.ts'
import type { MetadataParser } from './types.ts'

/** A prompt and nothing else: only its LoRA tags say that it is one. */
export const plainTags: MetadataParser = {
  name: 'plain-tags',
  parse (evidence) {
    for (const text of evidence.candidates()) {
      const tags = text.startsWith('{') ? [] : promptTags(text).filter(({ kind }) => kind === 'lora')
      if (tags.length === 0) continue
      return parsedImage('plain', 'from_generator_metadata', {
        genParams: genParams({ prompt: promptIn(text) }),
        loras: present(tags.map(({ name, strength, clipStrength }) => loraOf({ name: stemOf(name), fileName: name, strength, clipStrength, strengthFrom: 'tag' })))
      })
    }
    return null
  }
}
