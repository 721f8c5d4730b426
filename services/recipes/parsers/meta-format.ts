import { indexedLoras } from './automatic-models.ts'
import { parseDetails } from './details.ts'
import { stemOf } from './model-file.ts'
import { checkpointOf, genParams, parsedImage } from './parsed-image.ts'
import { nameIn, promptIn, sizeOf } from './read-fields.ts'
import type { MetadataParser, ParsedImage } from './types.ts'

const NEGATIVE = 'Negative prompt:'
const LORA = /\bLora_\d{1,3} Model hash:/

/** A details line without steps whose LoRAs stand as `Lora_<n> Model hash: …` (recipes §10.5). Values stay texts, as written. */
export const metaFormat: MetadataParser = {
  name: 'meta-format',
  parse (evidence) {
    const text = evidence.candidates().find((candidate) => !candidate.startsWith('{') && LORA.test(candidate))
    return text === undefined ? null : fromText(text)
  }
}

function fromText (text: string): ParsedImage {
  const negative = text.indexOf(NEGATIVE)
  const body = negative < 0 ? text : text.slice(negative + NEGATIVE.length)
  const start = detailsStart(body)
  const details = parseDetails(body.slice(start))
  const model = details.get('model')
  return parsedImage('meta', 'from_meta_format', {
    genParams: genParams({
      prompt: promptIn(negative < 0 ? body.slice(0, start) : text.slice(0, negative)),
      negative_prompt: negative < 0 ? undefined : promptIn(body.slice(0, start)),
      steps: details.get('steps'),
      sampler: nameIn(details.get('sampler')),
      scheduler: nameIn(details.get('scheduler')),
      cfg_scale: details.get('cfg scale'),
      seed: details.get('seed'),
      size: details.get('size') ?? sizeOf(details.get('width'), details.get('height')),
      clip_skip: details.get('clip skip'),
      denoising_strength: details.get('denoising strength')
    }),
    loras: indexedLoras(details),
    checkpoint: checkpointOf({ name: model, fileName: stemOf(model ?? ''), hash: details.get('model hash') }),
    raw: Object.fromEntries([...details.entries()].map(([key, value]) => [key.toLowerCase().replaceAll(/\s+/g, '_'), value]))
  })
}

/** The last line that begins with `Word: `, or the first such place in texts of one line. */
function detailsStart (body: string): number {
  for (let end = body.length; end > 0;) {
    const start = body.lastIndexOf('\n', end - 1) + 1
    if (LORA.test(body.slice(start, end))) return start === 0 ? firstPair(body) : start
    end = start - 1
  }
  return firstPair(body)
}

function firstPair (body: string): number {
  return /(?:^|[\s,])[A-Z][A-Za-z_]{0,30}: /.exec(body)?.index ?? 0
}
