import { civitaiReference, stemOf } from '../model-file.ts'
import { checkpointOf } from '../parsed-image.ts'
import { nameIn } from '../read-fields.ts'
import { linksOf, type Graph, type GraphNode } from './graph.ts'
import { nodeLoras } from './node-loras.ts'
import { textOf, upstream } from './resolve-value.ts'
import type { ParsedModel, ParsedLora } from '../types.ts'

/** Inputs that name the model of a loader, with the kind of model that each names. */
const modelKeys: readonly (readonly [string, string])[] = [
  ['ckpt_name', 'checkpoint'], ['base_ckpt_name', 'checkpoint'], ['checkpoint', 'checkpoint'], ['checkpoint_name', 'checkpoint'], ['unet_name', 'diffusion_model'], ['gguf_name', 'diffusion_model'], ['diffusion_model', 'diffusion_model'], ['model_name', 'diffusion_model'], ['model_path', 'checkpoint'], ['model', 'diffusion_model']
]
/** Inputs along which neither model nor LoRA comes. */
const others = /^(?:positive|negative|conditioning|cond\d?|clip|vae|image|images|pixels|mask|latent|latent_image|samples|control_net|noise|sigmas|sampler|text_embeds|image_embeds|clip_vision|clip_vision_output|upscale_model|audio|seed|steps|cfg|text|prompt|width|height|denoise)$/i
const loaders = /load|checkpoint|unet|loader/i

export interface GraphModels { checkpoint: ParsedModel | null, loras: ParsedLora[] }

/** The models behind some samplers: the first one's checkpoint, and all LoRAs on the way, in the order of the file. */
export function modelsBehind (graph: Graph, samplers: readonly GraphNode[]): GraphModels {
  const nodes = new Set<GraphNode>()
  let checkpoint: ParsedModel | null = null
  for (const sampler of samplers) {
    for (const { node } of upstream(graph, [{ node: sampler.id, slot: 0 }], (from, name) => !others.test(name) && !(from !== sampler && name === 'model' && samplers.includes(from)))) {
      nodes.add(node)
      checkpoint ??= node === sampler ? null : checkpointAt(graph, node)
    }
  }
  return { checkpoint, loras: lorasAt(graph, [...nodes]) }
}

/** Where nothing is linked: every loader of the graph. */
export function modelsAnywhere (graph: Graph): GraphModels {
  const nodes = [...graph.values()]
  const first = nodes.map((node) => checkpointAt(graph, node)).find((found) => found !== null) ?? null
  return { checkpoint: first, loras: lorasAt(graph, nodes.filter((node) => /lora/i.test(node.type))) }
}

function checkpointAt (graph: Graph, node: GraphNode): ParsedModel | null {
  for (const [key, type] of modelKeys) {
    if ((key === 'model' || key === 'model_name') && (!loaders.test(node.type) || linksOf(node).some(([name]) => name === 'model'))) continue
    const name = nameIn(textOf(graph, node.inputs.get(key)))
    if (name === undefined) continue
    const reference = civitaiReference(name)
    if (reference) return checkpointOf({ name: `Checkpoint ${reference.modelId}`, ...reference, type: 'checkpoint' })
    return checkpointOf({ name: stemOf(name), fileName: name, type })
  }
  return null
}

/** One LoRA may be loaded for several passes. */
function lorasAt (graph: Graph, nodes: readonly GraphNode[]): ParsedLora[] {
  const found = new Map<string, ParsedLora>()
  for (const node of [...nodes].sort((a, b) => a.order - b.order)) {
    for (const lora of nodeLoras(graph, node)) {
      const key = lora.versionId > 0 ? `v${lora.versionId}` : lora.fileName.toLowerCase()
      if (!found.has(key)) found.set(key, lora)
    }
  }
  return [...found.values()]
}
