import { fromGraphs } from './comfy/comfy.ts'
import { checkpointOf, genParams, parsedImage } from './parsed-image.ts'
import { fieldsIn, fieldsOfText, idIn, integerIn, listIn, nameIn, numberIn, promptIn, seedIn, sizeOf, type Fields } from './read-fields.ts'
import type { MetadataParser } from './types.ts'

/**
 * Stability Matrix writes itself down four times. Prompts and model are in its JSON, where the names are those of people; sampler, size
 * of the first pass and LoRAs are in the graph that ran. Its A1111 text is only for others.
 */
export const stabilityMatrix: MetadataParser = {
  name: 'stability-matrix',
  parse (evidence) {
    const json = fieldsOfText(evidence.text('parameters-json') ?? '', evidence.json)
    const project = fieldsOfText(evidence.text('smproj') ?? '', evidence.json)
    if (!json && !project) return null
    const facts = json ?? {}
    const state = fieldsIn(project?.State)
    const model = fieldsIn(state.Model)
    const prompt = fieldsIn(state.Prompt)
    const graph = fromGraphs(evidence)
    const ran = graph?.genParams ?? {}
    return parsedImage('stability-matrix', 'from_generator_metadata', {
      genParams: genParams({
        prompt: promptIn(facts.PositivePrompt) ?? promptIn(prompt.PositiveDocument) ?? promptIn(prompt.PositivePrompt) ?? ran.prompt,
        negative_prompt: promptIn(facts.NegativePrompt) ?? promptIn(prompt.NegativeDocument) ?? promptIn(prompt.NegativePrompt) ?? ran.negative_prompt,
        steps: integerIn(facts.Steps) ?? ran.steps,
        sampler: ran.sampler ?? nameIn(facts.Sampler),
        scheduler: ran.scheduler,
        cfg_scale: numberIn(facts.CfgScale) ?? ran.cfg_scale,
        seed: seedIn(facts.Seed) ?? ran.seed ?? seedIn(fieldsIn(state.Seed).Seed),
        size: ran.size ?? sizeOf(facts.Width, facts.Height),
        clip_skip: model.IsClipSkipEnabled === true ? integerIn(model.ClipSkip) : ran.clip_skip,
        denoising_strength: ran.denoising_strength
      }),
      checkpoint: checkpointOf({ name: facts.ModelName ?? graph?.checkpoint?.name ?? model.SelectedModelName, fileName: graph?.checkpoint?.fileName ?? facts.ModelName ?? model.SelectedModelName, hash: facts.ModelHash, versionId: facts.ModelVersionId }),
      loras: graph?.loras ?? [],
      unknownVersions: (graph?.loras.length ?? 0) > 0 ? [] : listIn(facts.ExtraNetworkModelVersionIds).map(idIn).filter((id) => id > 0).slice(0, 100).map((versionId) => ({ versionId, strength: 1 })),
      hires: hiresModule(state) ?? graph?.hires ?? null,
      hasWorkflow: graph?.hasWorkflow ?? false
    })
  }
}

/** A module counts only when it is switched on; lists are wrapped. */
function hiresModule (state: Fields): { scale?: number, upscaler?: string, denoise?: number, steps?: number } | null {
  for (const entry of listIn(fieldsIn(state.Modules).$values).slice(0, 100)) {
    const hires = fieldsIn(entry)
    if (hires.IsEnabled !== true || !/HiresFix/i.test(nameIn(hires.$type) ?? '')) continue
    const [scale, denoise, steps, upscaler] = [numberIn(hires.Scale), numberIn(hires.DenoiseStrength), integerIn(hires.Steps), nameIn(fieldsIn(hires.SelectedUpscaler).Name)]
    return {
      ...(scale === undefined ? {} : { scale }),
      ...(denoise === undefined || hires.IsDenoiseStrengthEnabled === false ? {} : { denoise }),
      ...(steps === undefined ? {} : { steps }),
      ...(upscaler === undefined ? {} : { upscaler })
    }
  }
  return null
}
