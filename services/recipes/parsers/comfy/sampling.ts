import { genParams } from '../parsed-image.ts'
import { integerIn, nameIn, numberIn, seedIn, sizeOf } from '../read-fields.ts'
import { linkOf, linksOf, valueOf, type Graph, type GraphNode } from './graph.ts'
import { numberOf, sourceNode, textOf, upstream } from './resolve-value.ts'
import type { GenParams } from '../types.ts'

/** What a sampler and the nodes that it is put together from say of steps, seed and the like. */
export function samplingParams (graph: Graph, sampler: GraphNode): GenParams {
  const sigmas = sourceNode(graph, sampler, 'sigmas')
  const guider = sourceNode(graph, sampler, 'guider')
  const noise = sourceNode(graph, sampler, 'noise')
  const number = (node: GraphNode | undefined, ...names: string[]): number | string | undefined => {
    for (const name of names) {
      const found = numberOf(graph, node?.inputs.get(name))
      if (found !== undefined) return found
    }
    return undefined
  }
  const schedule = sigmas && behindSigmas(graph, sigmas)
  const samplerName = nameIn(textOf(graph, sampler.inputs.get('sampler_name'))) ?? samplerOf(graph, sampler)
  const scheduler = nameIn(valueOf(sampler, 'scheduler')) ?? nameIn(textOf(graph, sampler.inputs.get('scheduler'))) ?? nameIn(schedule && valueOf(schedule, 'scheduler'))
  return genParams({
    steps: integerIn(number(sampler, 'steps') ?? number(schedule, 'steps')),
    // Samplers of some packs call the sampler scheduler, and have nothing else.
    sampler: samplerName ?? scheduler,
    scheduler: samplerName === undefined ? undefined : scheduler,
    cfg_scale: numberIn(number(sampler, 'cfg', 'cfg_scale') ?? number(guider, 'cfg', 'cfg_conds') ?? guidance(graph, guider ?? sampler)),
    seed: seedIn(number(sampler, 'seed', 'noise_seed') ?? number(noise, 'noise_seed', 'seed')),
    size: sizeOfLatent(graph, sampler),
    denoising_strength: numberIn(number(sampler, 'denoise', 'denoise_strength') ?? number(schedule, 'denoise'))
  })
}

/** Schedulers may be split or changed before they reach the sampler. */
function behindSigmas (graph: Graph, sigmas: GraphNode): GraphNode {
  for (const { node } of upstream(graph, [{ node: sigmas.id, slot: 0 }], (_node, name) => /sigmas/i.test(name))) if (node.inputs.has('steps')) return node
  return sigmas
}

/** `KSamplerSelect`, or a node of one sampler, whose class is its name. */
function samplerOf (graph: Graph, sampler: GraphNode): string | undefined {
  const node = sourceNode(graph, sampler, 'sampler')
  if (!node) return nameIn(valueOf(sampler, 'sampler'))
  const named = nameIn(textOf(graph, node.inputs.get('sampler_name')))
  if (named !== undefined) return named
  return /^Sampler[A-Z]/.test(node.type) ? node.type.slice('Sampler'.length).toLowerCase() : undefined
}

/** Distilled models have no cfg; what they have instead stands on the way of the prompt. */
function guidance (graph: Graph, node: GraphNode): number | string | undefined {
  const links = linksOf(node).filter(([name]) => /^(?:conditioning|positive|cond1)$/.test(name)).map(([, link]) => link)
  for (const { node: before } of upstream(graph, links, (_node, name) => /^(?:conditioning|positive)/.test(name))) {
    const found = numberOf(graph, before.inputs.get('guidance'))
    if (found !== undefined) return found
  }
  return undefined
}

/** Of the first latent on the way that has one: the size that sampling began with. */
function sizeOfLatent (graph: Graph, sampler: GraphNode): string | undefined {
  const start = ['latent_image', 'latent', 'samples', 'optional_latent', 'image_embeds', 'pipe', 'context'].map((name) => linkOf(sampler, name)).filter((link) => link !== undefined)
  const own = sizeAt(graph, sampler)
  if (own !== undefined) return own
  for (const { node } of upstream(graph, start, (_node, name) => /latent|samples|pipe|context|image_embeds/i.test(name))) {
    const size = sizeAt(graph, node)
    if (size !== undefined) return size
  }
  return undefined
}

function sizeAt (graph: Graph, node: GraphNode): string | undefined {
  return sizeOf(numberOf(graph, node.inputs.get('width')), numberOf(graph, node.inputs.get('height'))) ??
    sizeOf(numberOf(graph, node.inputs.get('empty_latent_width')), numberOf(graph, node.inputs.get('empty_latent_height')))
}
