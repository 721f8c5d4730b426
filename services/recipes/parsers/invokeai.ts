import { stemOf } from './model-file.ts'
import { MAX_LORAS, checkpointOf, genParams, loraOf, parsedImage, present } from './parsed-image.ts'
import { fieldsIn, fieldsOfText, integerIn, listIn, nameIn, numberIn, promptIn, seedIn, sizeOf, type Fields } from './read-fields.ts'
import type { Evidence, MetadataParser, ParsedImage } from './types.ts'

/** InvokeAI's metadata of three generations, the newest that is there. */
export const invokeai: MetadataParser = {
  name: 'invokeai',
  parse (evidence) {
    return fromMetadata(evidence) ?? fromSdMetadata(evidence) ?? fromDream(evidence)
  }
}

/** JSON under this keyword, or under it inside a text that a converter made. */
function keyed (evidence: Evidence, keyword: string): Fields | undefined {
  const own = fieldsOfText(evidence.text(keyword) ?? '', evidence.json)
  if (own) return own
  for (const text of evidence.candidates()) {
    const wrapped = fieldsOfText(fieldsOfText(text, evidence.json)?.[keyword], evidence.json)
    if (wrapped) return wrapped
  }
  return undefined
}

/** 3.x and later. What it calls scheduler is the sampler; its hashes are BLAKE3, which names nothing elsewhere. */
function fromMetadata (evidence: Evidence): ParsedImage | null {
  const root = keyed(evidence, 'invokeai_metadata')
  if (!root) return null
  const model = fieldsIn(root.model)
  const skipped = integerIn(root.clip_skip)
  const name = nameIn(model.model_name) ?? nameIn(model.name) ?? nameIn(root.model)
  return parsedImage('invokeai', 'from_generator_metadata', {
    genParams: genParams({
      prompt: promptIn(root.positive_prompt),
      negative_prompt: promptIn(root.negative_prompt),
      steps: integerIn(root.steps),
      sampler: nameIn(root.scheduler),
      cfg_scale: numberIn(root.cfg_scale) ?? numberIn(root.guidance),
      seed: seedIn(root.seed),
      size: sizeOf(root.width, root.height),
      // Layers left out, where others count from the last one on.
      clip_skip: skipped === undefined || skipped === 0 ? undefined : skipped + 1,
      denoising_strength: numberIn(root.strength)
    }),
    checkpoint: checkpointOf({ name, fileName: name, hash: model.hash }),
    loras: present(listIn(root.loras).slice(0, MAX_LORAS).map((entry) => {
      const lora = fieldsIn(entry)
      const file = fieldsIn(lora.lora ?? lora.model)
      const given = nameIn(file.model_name) ?? nameIn(file.name)
      return given === undefined ? null : loraOf({ name: stemOf(given), fileName: given, hash: file.hash, strength: lora.weight })
    })),
    hires: hiresOf(root)
  })
}

function hiresOf (root: Fields): ParsedImage['hires'] {
  const denoise = numberIn(root.hrf_strength)
  return root.hrf_enabled === true && denoise !== undefined ? { denoise, ...(nameIn(root.hrf_method) === undefined ? {} : { upscaler: String(root.hrf_method) }) } : null
}

/** 2.x. `model` is always the same words, `model_weights` the model's name. */
function fromSdMetadata (evidence: Evidence): ParsedImage | null {
  const root = keyed(evidence, 'sd-metadata')
  if (!root) return null
  const image = fieldsIn(root.image)
  const text = Array.isArray(image.prompt) ? image.prompt.map((part) => promptIn(fieldsIn(part).prompt) ?? '').join('\n') : promptIn(image.prompt)
  const { prompt, negativePrompt } = splitBrackets(text ?? '')
  return parsedImage('invokeai', 'from_generator_metadata', {
    genParams: genParams({
      prompt,
      negative_prompt: negativePrompt,
      steps: integerIn(image.steps),
      sampler: nameIn(image.sampler),
      cfg_scale: numberIn(image.cfg_scale),
      seed: seedIn(image.seed),
      size: sizeOf(image.width, image.height),
      denoising_strength: numberIn(image.strength)
    }),
    checkpoint: checkpointOf({ name: root.model_weights, fileName: root.model_weights })
  })
}

/** 1.x: the quoted prompt and switches as of a command line. */
function fromDream (evidence: Evidence): ParsedImage | null {
  const text = evidence.text('Dream') ?? evidence.text('dream')
  if (text === undefined) return null
  const start = text.indexOf('"')
  const end = promptEnd(text)
  if (start < 0 || end <= start) return null
  const switches = switchesOf(text.slice(end + 1))
  const { prompt, negativePrompt } = splitBrackets(text.slice(start + 1, end))
  return parsedImage('invokeai', 'from_generator_metadata', {
    genParams: genParams({
      prompt,
      negative_prompt: negativePrompt,
      steps: integerIn(switches.get('s')),
      sampler: nameIn(switches.get('A')),
      cfg_scale: numberIn(switches.get('C')),
      seed: seedIn(switches.get('S')),
      size: sizeOf(switches.get('W'), switches.get('H')),
      denoising_strength: numberIn(switches.get('f'))
    })
  })
}

/** The last quote that only switches follow: prompts hold quotes. */
function promptEnd (text: string): number {
  for (let at = text.indexOf('"', 1); at >= 0; at = text.indexOf('"', at + 1)) if (/^\s+-[A-Za-z]/.test(text.slice(at + 1, at + 8))) return at
  return text.lastIndexOf('"')
}

/** First value of each switch; case matters. */
function switchesOf (text: string): Map<string, string> {
  const switches = new Map<string, string>()
  let name = ''
  for (const word of text.slice(0, 4000).split(/\s+/)) {
    if (/^-[A-Za-z]+$/.test(word)) name = word.slice(1)
    else if (name !== '' && word !== '') {
      if (!switches.has(name)) switches.set(name, word)
      name = ''
    }
  }
  return switches
}

/** `prompt [negative]`: groups at the end, brackets inside them included. */
export function splitBrackets (text: string): { prompt: string, negativePrompt: string | undefined } {
  const groups: string[] = []
  let rest = text.trimEnd()
  while (rest.endsWith(']') && groups.length < 50) {
    const start = groupStart(rest)
    if (start < 0) break
    groups.unshift(rest.slice(start + 1, -1).trim())
    rest = rest.slice(0, start).trimEnd()
  }
  const negative = groups.filter((group) => group !== '').join(', ')
  return { prompt: rest.trim(), negativePrompt: negative === '' ? undefined : negative }
}

function groupStart (text: string): number {
  let depth = 0
  for (let at = text.length - 1; at >= 0; at--) {
    const character = text.charAt(at)
    if (character === ']') depth++
    else if (character === '[' && --depth === 0) return at
  }
  return -1
}
