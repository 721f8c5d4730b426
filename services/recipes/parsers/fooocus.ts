import { isObject } from '../../models/read-value.ts'
import { stemKey, stemOf } from './model-file.ts'
import { MAX_LORAS, checkpointOf, genParams, loraOf, parsedImage, present } from './parsed-image.ts'
import { promptTags } from './prompt-tags.ts'
import { fieldsOfText, integerIn, listIn, nameIn, numberIn, promptIn, seedIn, sizeIn, sizeOf, type Fields } from './read-fields.ts'
import type { Evidence, MetadataParser, ParsedImage, ParsedLora } from './types.ts'

/** Fooocus' own JSON; its other scheme is A1111's text. */
export const fooocus: MetadataParser = {
  name: 'fooocus',
  parse: (evidence) => firstJson(evidence, isFooocus, (root) => parsedImage('fooocus', 'from_generator_metadata', {
    genParams: genParams({
      prompt: promptIn(root.prompt),
      negative_prompt: promptIn(root.negative_prompt),
      steps: integerIn(root.steps),
      sampler: nameIn(root.sampler),
      scheduler: nameIn(root.scheduler),
      cfg_scale: numberIn(root.guidance_scale),
      seed: seedIn(root.seed),
      size: sizeIn(root.resolution),
      clip_skip: integerIn(root.clip_skip)
    }),
    checkpoint: checkpointOf({ name: root.base_model, fileName: root.base_model, hash: root.base_model_hash }),
    loras: withTags([...listIn(root.loras), ...combinedLoras(root)], promptIn(root.prompt) ?? '')
  }))
}

function isFooocus (root: Fields): boolean {
  if (root.metadata_scheme === 'fooocus' || (typeof root.version === 'string' && root.version.startsWith('Fooocus'))) return true
  return typeof root.prompt === 'string' && typeof root.base_model === 'string' && ('performance' in root || 'styles' in root) && !('cfg' in root)
}

/** `lora_combined_1: "name.safetensors : 0.8"`, as the log and older versions have it. */
function combinedLoras (root: Fields): unknown[] {
  return Object.entries(root).filter(([key]) => /^lora_combined_\d{1,2}$/.test(key)).map(([, text]) => {
    const divider = typeof text === 'string' ? text.lastIndexOf(' : ') : -1
    return typeof text === 'string' && divider > 0 ? [text.slice(0, divider), text.slice(divider + 3)] : null
  })
}

/** The fork of that name: capital keys, hashes in upper case. */
export const ruinedFooocus: MetadataParser = {
  name: 'ruined-fooocus',
  parse: (evidence) => firstJson(evidence, (root) => root.software === 'RuinedFooocus' || ('Prompt' in root && 'base_model_name' in root), (root) => parsedImage('ruined-fooocus', 'from_generator_metadata', {
    genParams: genParams({
      prompt: promptIn(root.Prompt),
      negative_prompt: promptIn(root.Negative),
      steps: integerIn(root.steps),
      sampler: nameIn(root.sampler_name),
      scheduler: nameIn(root.scheduler),
      cfg_scale: numberIn(root.cfg),
      seed: seedIn(root.seed),
      size: sizeOf(root.width, root.height),
      clip_skip: integerIn(root.clip_skip),
      denoising_strength: numberIn(root.denoise)
    }),
    checkpoint: checkpointOf({ name: stemOf(nameIn(root.base_model_name) ?? ''), fileName: root.base_model_name, hash: root.base_model_hash }),
    loras: withTags(listIn(root.loras), promptIn(root.Prompt) ?? '')
  }))
}

/** The fork that writes JSON into comments: `cfg` where Fooocus has `guidance_scale`, and none of NovelAI's keys. */
export const fooocusMre: MetadataParser = {
  name: 'fooocus-mre',
  parse: (evidence) => firstJson(evidence, (root) => typeof root.prompt === 'string' && typeof root.base_model === 'string' && 'cfg' in root && !('uc' in root) && !('noise_schedule' in root) && !('v4_prompt' in root), (root) => parsedImage('fooocus-mre', 'from_generator_metadata', {
    genParams: genParams({
      prompt: promptIn(root.prompt),
      negative_prompt: promptIn(root.negative_prompt),
      steps: integerIn(root.steps),
      sampler: nameIn(root.sampler),
      scheduler: nameIn(root.scheduler),
      cfg_scale: numberIn(root.cfg),
      seed: seedIn(root.seed),
      size: sizeOf(root.width, root.height) ?? sizeIn(root.resolution),
      denoising_strength: numberIn(root.denoise)
    }),
    checkpoint: checkpointOf({ name: stemOf(nameIn(root.base_model) ?? ''), fileName: root.base_model, hash: root.base_model_hash }),
    loras: withTags(listIn(root.loras), promptIn(root.prompt) ?? '')
  }))
}

/** The first text that is JSON of this form. */
function firstJson (evidence: Evidence, speaks: (root: Fields) => boolean, read: (root: Fields) => ParsedImage): ParsedImage | null {
  for (const text of evidence.candidates()) {
    const root = fieldsOfText(text, evidence.json)
    if (root && speaks(root)) return read(root)
  }
  return null
}

/** `[name, weight, hash]`, `{name, weight, hash}`, `"name - weight"`; the prompt's tags add what the list leaves out. */
function withTags (listed: readonly unknown[], prompt: string): ParsedLora[] {
  const loras = present(listed.slice(0, MAX_LORAS).map((entry) => {
    if (Array.isArray(entry)) return listedLora(entry[0], entry[1], entry[2])
    if (isObject(entry)) return listedLora(entry.name, entry.weight, entry.hash)
    const divider = typeof entry === 'string' ? entry.lastIndexOf(' - ') : -1
    return typeof entry === 'string' ? divider > 0 ? listedLora(entry.slice(0, divider), entry.slice(divider + 3), '') : listedLora(entry, undefined, '') : null
  }))
  const tagged = promptTags(prompt).filter(({ kind, name }) => kind === 'lora' && !loras.some((lora) => stemKey(lora.fileName) === stemKey(name)))
  return [...loras, ...present(tagged.map(({ name, strength }) => loraOf({ name: stemOf(name), fileName: name, strength, strengthFrom: 'tag' })))]
}

function listedLora (name: unknown, strength: unknown, hash: unknown): ParsedLora | null {
  const file = nameIn(name)
  return file === undefined ? null : loraOf({ name: stemOf(file), fileName: file, strength, hash })
}
