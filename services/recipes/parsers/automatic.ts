import { automaticModels } from './automatic-models.ts'
import { splitAutomaticText, type AutomaticText } from './automatic-text.ts'
import { automaticTool } from './automatic-tool.ts'
import { fromGraphs } from './comfy/comfy.ts'
import { mergeLoras } from './merge-loras.ts'
import { genParams, parsedImage } from './parsed-image.ts'
import { promptTags } from './prompt-tags.ts'
import { integerIn, nameIn, numberIn, promptIn, seedIn, sizeIn } from './read-fields.ts'
import { splitSampler } from './samplers.ts'
import type { Details } from './details.ts'
import type { Evidence, GenParams, MetadataParser, ParsedHires, ParsedImage } from './types.ts'

/**
 * The `parameters` text of A1111, Forge and its forks, SD.Next, Fooocus' second scheme, CivitAI, and of ComfyUI's savers beside a graph:
 * then the text gives what it says, and the graph the LoRAs and the scheduler that it leaves out.
 */
export const automatic: MetadataParser = {
  name: 'automatic',
  parse (evidence) {
    for (const text of evidence.candidates()) {
      const parts = text.startsWith('{') ? null : splitAutomaticText(text)
      if (parts) return lostPrompt(parts) && fromGraphs(evidence) ? null : fromParts(parts, evidence)
    }
    return null
  }
}

/** Savers of ComfyUI that lost the prompt leave it out or write this word: the graph beside the text knows better. */
const lostPrompt = ({ prompt, negativePrompt }: AutomaticText): boolean => prompt === '' || prompt === 'unknown' || negativePrompt === 'unknown'

function fromParts (parts: AutomaticText, evidence: Evidence): ParsedImage {
  const { details } = parts
  const prompt = promptIn(details.get('raw prompt')) ?? parts.prompt
  const models = automaticModels(details, promptTags(parts.prompt === '' ? prompt : parts.prompt), evidence.json)
  const graph = fromGraphs(evidence)
  const params = paramsOf(details)
  return parsedImage(automaticTool(details), 'from_automatic_metadata', {
    ...models,
    loras: mergeLoras(models.loras, graph?.loras ?? []),
    checkpoint: models.checkpoint ?? graph?.checkpoint ?? null,
    genParams: genParams({
      prompt,
      negative_prompt: promptIn(details.get('raw negative prompt')) ?? parts.negativePrompt,
      ...params,
      scheduler: params.scheduler ?? graph?.genParams.scheduler
    }),
    hires: hiresOf(details),
    hasWorkflow: graph?.hasWorkflow ?? evidence.text('workflow') !== undefined,
    raw: Object.fromEntries(details.entries())
  })
}

function paramsOf (details: Details): GenParams {
  const { sampler, scheduler } = splitSampler(nameIn(details.get('sampler')) ?? '')
  return genParams({
    steps: integerIn(details.get('steps')),
    sampler: nameIn(sampler),
    scheduler: nameIn(details.get('schedule type')) ?? nameIn(details.get('scheduler')) ?? scheduler ?? nameIn(details.get('sampler sigma')),
    cfg_scale: numberIn(details.get('cfg scale')),
    seed: seedIn(details.get('seed')),
    size: sizeIn(details.get('size')),
    clip_skip: integerIn(details.get('clip skip')),
    denoising_strength: numberIn(details.get('denoising strength'))
  })
}

function hiresOf (details: Details): ParsedHires | null {
  const found: ParsedHires = {}
  const scale = numberIn(details.get('hires upscale')) ?? numberIn(details.get('hires scale'))
  const upscaler = nameIn(details.get('hires upscaler'))
  const steps = integerIn(details.get('hires steps'))
  const denoise = numberIn(details.get('denoising strength'))
  if (scale !== undefined) found.scale = scale
  if (upscaler !== undefined) found.upscaler = upscaler
  if (steps !== undefined) found.steps = steps
  if (Object.keys(found).length === 0) return null
  return denoise === undefined ? found : { ...found, denoise }
}
