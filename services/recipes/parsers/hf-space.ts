import { checkpointOf, genParams, loraOf, parsedImage, present } from './parsed-image.ts'
import { promptTags } from './prompt-tags.ts'
import { fieldsIn, fieldsOfText, integerIn, nameIn, numberIn, promptIn, seedIn, sizeIn, type Fields } from './read-fields.ts'
import type { MetadataParser, ParsedHires } from './types.ts'

/** JSON of Gradio spaces on Hugging Face: `Model` and `resolution` together. */
export const hfSpace: MetadataParser = {
  name: 'hf-space',
  parse (evidence) {
    for (const text of evidence.candidates()) {
      const root = fieldsOfText(text, evidence.json)
      if (!root || !('Model' in root) || !('resolution' in root)) continue
      return parsedImage('hf-space', 'from_generator_metadata', {
        genParams: genParams({
          prompt: promptIn(root.prompt),
          negative_prompt: promptIn(root.negative_prompt),
          steps: integerIn(root.num_inference_steps),
          sampler: nameIn(root.sampler),
          cfg_scale: numberIn(root.guidance_scale),
          seed: seedIn(root.seed),
          size: sizeIn(root.resolution)
        }),
        checkpoint: checkpointOf({ name: root.Model, fileName: root.Model, hash: root['Model hash'] }),
        loras: present(promptTags(promptIn(root.prompt) ?? '').map(({ name, strength }) => loraOf({ name, fileName: name, strength, strengthFrom: 'tag' }))),
        hires: upscaled(fieldsIn(root.use_upscaler))
      })
    }
    return null
  }
}

function upscaled (upscaler: Fields): ParsedHires | null {
  const [name, denoise, scale, steps] = [nameIn(upscaler.upscale_method), numberIn(upscaler.upscaler_strength), numberIn(upscaler.upscale_by), integerIn(upscaler.upscale_steps)]
  if (name === undefined && scale === undefined) return null
  return { ...(name === undefined ? {} : { upscaler: name }), ...(denoise === undefined ? {} : { denoise }), ...(scale === undefined ? {} : { scale }), ...(steps === undefined ? {} : { steps }) }
}
