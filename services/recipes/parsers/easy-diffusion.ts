import { stemOf } from './model-file.ts'
import { MAX_LORAS, checkpointOf, genParams, loraOf, parsedImage, present } from './parsed-image.ts'
import { pythonList } from './python-text.ts'
import { fieldsOfText, integerIn, nameIn, numberIn, promptIn, seedIn, sizeOf, type Fields } from './read-fields.ts'
import type { Evidence, MetadataParser, ParsedImage } from './types.ts'

const MODEL = 'use_stable_diffusion_model'
const OLD_MODEL = 'Stable Diffusion model'
/** Labels of older versions, for the keys of today. */
const labels: Readonly<Record<string, string>> = {
  prompt: 'Prompt', negative_prompt: 'Negative Prompt', seed: 'Seed', [MODEL]: OLD_MODEL, clip_skip: 'Clip Skip', sampler_name: 'Sampler', width: 'Width', height: 'Height', num_inference_steps: 'Steps', guidance_scale: 'Guidance Scale', prompt_strength: 'Prompt Strength', use_lora_model: 'LoRA model', lora_alpha: 'LoRA Strength'
}

/** Easy Diffusion: a PNG text for each field, JSON elsewhere. Its `prompt` is plain text. */
export const easyDiffusion: MetadataParser = {
  name: 'easy-diffusion',
  parse (evidence) {
    const fields = fromChunks(evidence) ?? fromJson(evidence)
    return fields ? fromFields((key) => fields[key] ?? fields[labels[key] ?? key]) : null
  }
}

function fromChunks ({ texts }: Evidence): Fields | undefined {
  const fields = Object.fromEntries(texts.map(({ keyword, text }) => [keyword, text]))
  return MODEL in fields || OLD_MODEL in fields ? fields : undefined
}

function fromJson (evidence: Evidence): Fields | undefined {
  for (const text of evidence.candidates()) {
    const fields = fieldsOfText(text, evidence.json)
    if (fields && (MODEL in fields || OLD_MODEL in fields)) return fields
  }
  return undefined
}

function fromFields (field: (key: string) => unknown): ParsedImage {
  const skip = field('clip_skip')
  const model = nameIn(field(MODEL))
  const names = listOf(field('use_lora_model'))
  const strengths = listOf(field('lora_alpha'))
  return parsedImage('easy-diffusion', 'from_generator_metadata', {
    genParams: genParams({
      prompt: promptIn(field('prompt')),
      negative_prompt: promptIn(field('negative_prompt')),
      steps: integerIn(field('num_inference_steps')),
      sampler: nameIn(field('sampler_name')),
      cfg_scale: numberIn(field('guidance_scale')),
      seed: seedIn(field('seed')),
      size: sizeOf(field('width'), field('height')),
      clip_skip: skip === true || skip === 'True' ? 2 : integerIn(skip),
      denoising_strength: numberIn(field('prompt_strength'))
    }),
    checkpoint: checkpointOf({ name: stemOf(model ?? ''), fileName: model }),
    loras: present(names.slice(0, MAX_LORAS).map((name, index) => nameIn(name) === undefined ? null : loraOf({ name: stemOf(name), fileName: name, strength: strengths[index] })))
  })
}

function listOf (value: unknown): string[] {
  if (Array.isArray(value)) return value.map(String)
  return value === undefined || value === null ? [] : pythonList(String(value))
}
