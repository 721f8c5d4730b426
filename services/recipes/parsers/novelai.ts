import { genParams, checkpointOf, parsedImage } from './parsed-image.ts'
import { fieldsIn, fieldsOfText, integerIn, listIn, nameIn, numberIn, promptIn, seedIn, sizeOf, type Fields } from './read-fields.ts'
import type { Evidence, MetadataParser, ParsedImage } from './types.ts'

const MAX_CHARACTERS = 50

/** What a NovelAI image says, wherever it says it: PNG texts, EXIF of WebP, or its pixels. */
interface Envelope { source: string | undefined, description: string | undefined, comment: Fields }

/** NovelAI: parameters as JSON in a comment, the model as a text of the service. */
export const novelai: MetadataParser = {
  name: 'novelai',
  parse (evidence) {
    const envelope = fromTexts(evidence) ?? fromEnvelope(evidence)
    return envelope && fromComment(envelope, evidence)
  }
}

const signs = ['noise_schedule', 'uncond_scale', 'v4_prompt', 'uc'] as const
const isComment = (fields: Fields | undefined): fields is Fields => fields !== undefined && 'steps' in fields && signs.some((key) => key in fields)

function fromTexts ({ text, json }: Evidence): Envelope | null {
  const software = text('Software') ?? ''
  const comment = fieldsOfText(text('Comment') ?? text('comment') ?? '', json)
  if (!isComment(comment) || !(software.startsWith('NovelAI') || signs.slice(0, 3).some((key) => key in comment))) return null
  return { source: text('Source'), description: text('Description'), comment }
}

/** `{Comment: "<json>", Description, Source}` as one text; the description may be damaged so that only the comment can be cut out. */
function fromEnvelope ({ text, json, candidates }: Evidence): Envelope | null {
  for (const candidate of candidates()) {
    if (!candidate.includes('"Comment"')) continue
    const whole = fieldsOfText(candidate, json)
    const comment = fieldsOfText(whole?.Comment, json) ?? fieldsOfText(cutComment(candidate), json)
    if (!isComment(comment)) continue
    const software = nameIn(text('Software')) ?? ''
    return { source: nameIn(whole?.Source) ?? (software === 'NovelAI' ? undefined : nameIn(software)), description: text('ImageDescription') ?? nameIn(whole?.Description), comment }
  }
  return null
}

/** The JSON text of the member `Comment`. */
function cutComment (candidate: string): string {
  const start = /"Comment"\s*:\s*"/.exec(candidate)
  if (!start) return ''
  const from = start.index + start[0].length - 1
  for (let at = from + 1; at < candidate.length; at++) {
    if (candidate.charAt(at) === '\\') at++
    else if (candidate.charAt(at) === '"') return unquoted(candidate.slice(from, at + 1))
  }
  return ''
}

function unquoted (quoted: string): string {
  try {
    return String(JSON.parse(quoted))
  } catch {
    return ''
  }
}

function fromComment ({ source, description, comment }: Envelope, { width, height }: Evidence): ParsedImage {
  const caption = fieldsIn(fieldsIn(comment.v4_prompt).caption)
  const characters = captionsOf(caption)
  const negative = fieldsIn(fieldsIn(comment.v4_negative_prompt).caption)
  const base = promptIn(caption.base_caption) || promptIn(comment.prompt) || promptIn(description)
  return parsedImage('novelai', 'from_generator_metadata', {
    genParams: genParams({
      prompt: base === undefined && characters.length === 0 ? undefined : [base ?? '', ...characters].join('\n').trim(),
      negative_prompt: promptIn(negative.base_caption) || promptIn(comment.uc),
      steps: integerIn(comment.steps),
      sampler: nameIn(comment.sampler),
      scheduler: nameIn(comment.noise_schedule),
      cfg_scale: numberIn(comment.scale),
      seed: seedIn(comment.seed),
      size: sizeOf(comment.width, comment.height) ?? sizeOf(width, height),
      denoising_strength: numberIn(comment.strength)
    }),
    // A model of the service, with no file behind it.
    checkpoint: checkpointOf({ name: source }),
    warnings: characters.length > 0 ? ['The captions of single characters follow the prompt, a line each'] : []
  })
}

function captionsOf (caption: Fields): string[] {
  return listIn(caption.char_captions).slice(0, MAX_CHARACTERS).map((entry) => promptIn(fieldsIn(entry).char_caption) ?? '').filter((text) => text !== '')
}
