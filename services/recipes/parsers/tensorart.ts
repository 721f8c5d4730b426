import { fromGraphs } from './comfy/comfy.ts'
import { stemOf } from './model-file.ts'
import { MAX_LORAS, checkpointOf, genParams, loraOf, parsedImage, present } from './parsed-image.ts'
import { fieldsIn, fieldsOfText, integerIn, listIn, nameIn, numberIn, promptIn, seedIn, sizeOf } from './read-fields.ts'
import type { MetadataParser } from './types.ts'

/** TensorArt: names and prompts are in its own JSON, the seed that was really used only in the graph, whose file names are ids of its own. */
export const tensorart: MetadataParser = {
  name: 'tensorart',
  parse (evidence) {
    const data = fieldsOfText(evidence.text('generation_data') ?? '', evidence.json)
    if (!data) return null
    const ran = fromGraphs(evidence)
    const model = fieldsIn(data.baseModel)
    const flux = /flux/i.test(`${nameIn(model.label) ?? ''} ${nameIn(model.baseModel) ?? ''} ${nameIn(model.modelFileName) ?? ''}`)
    return parsedImage('tensorart', 'from_generator_metadata', {
      genParams: genParams({
        prompt: promptIn(data.prompt),
        negative_prompt: promptIn(data.negativePrompt),
        steps: integerIn(data.steps) ?? ran?.genParams.steps,
        sampler: nameIn(data.ksamplerName) ?? ran?.genParams.sampler,
        scheduler: nameIn(data.schedule) ?? ran?.genParams.scheduler,
        cfg_scale: (flux ? numberIn(data.guidance) : undefined) ?? numberIn(data.cfgScale) ?? ran?.genParams.cfg_scale,
        seed: seedIn(data.seed) ?? ran?.genParams.seed,
        size: ran?.genParams.size ?? sizeOf(data.width, data.height),
        clip_skip: integerIn(data.clipSkip),
        denoising_strength: ran?.genParams.denoising_strength
      }),
      checkpoint: checkpointOf({ name: nameIn(model.label) ?? stemOf(nameIn(model.modelFileName) ?? ''), fileName: model.modelFileName, hash: model.hash }),
      loras: present(listIn(data.models).slice(0, MAX_LORAS).map((entry) => {
        const lora = fieldsIn(entry)
        const file = nameIn(lora.modelFileName) ?? nameIn(lora.label)
        return file === undefined || !/^(?:lora|locon|lycoris|dora)$/i.test(nameIn(lora.type) ?? '') ? null : loraOf({ name: nameIn(lora.label) ?? stemOf(file), fileName: file, hash: lora.hash, strength: lora.weight })
      })),
      hires: ran?.hires ?? null,
      hasWorkflow: ran?.hasWorkflow ?? false
    })
  }
}
