import { linkOf, linksOf, type Graph, type GraphNode } from './graph.ts'
import { upstream } from './resolve-value.ts'

const savers = /save|videocombine|createvideo|output|export|image ?collection|websocket/i
const previews = /preview|show ?image|display|compare/i
/** Nodes that sample again what is there already. */
const finishers = /detailer|ultimatesd|upscale|hires|refine/i
/** Links along which pixels and latents come. */
const pictureInputs = /^(?:latent|samples|image|pixel|video|audio|frames|pipe|context|destination|init)/i

/** Whether a node takes noise out: it has a model (or guider), and steps or a seed of its own. */
export function isSampler (node: GraphNode): boolean {
  const has = (name: string): boolean => node.inputs.has(name)
  if (linkOf(node, 'guider') && (has('noise') || has('sigmas'))) return true
  const modelled = ['model', 'pipe', 'basic_pipe', 'sdxl_tuple', 'context', 'base_ctx', 'bus', 'model_high_noise'].some((name) => linkOf(node, name))
  const seeded = has('seed') || has('noise_seed')
  return (seeded && (modelled || /sampler/i.test(node.type)) && (has('steps') || has('sigmas') || has('sampler_name') || has('cfg'))) || (/^KSampler/i.test(node.type) && has('steps'))
}

export interface SamplerChain {
  /** The one that begins the image. */
  base: GraphNode
  /** Those that work on what others made, in no particular order; the base is not among them. */
  later: GraphNode[]
}

/**
 * The samplers that the saved image comes from. Graphs hold several: for parts of the image, for a second pass. The base is reached
 * by going back from the saver, from sampler to sampler, as far as it goes.
 */
export function samplerChain (graph: Graph): SamplerChain | null {
  const samplers = [...graph.values()].filter(isSampler)
  const last = lastSampler(graph) ?? samplers.filter(({ type }) => !finishers.test(type)).pop() ?? samplers[0]
  if (!last) return null
  let base = last
  const chain = new Set([last])
  for (let before = samplerBefore(graph, base, chain); before; before = samplerBefore(graph, base, chain)) {
    chain.add(before)
    base = before
  }
  const reached = [...upstream(graph, [{ node: last.id, slot: 0 }], () => true)].map(({ node }) => node).filter(isSampler)
  return { base, later: [...new Set([...chain, ...reached])].filter((sampler) => sampler !== base) }
}

/** The sampler nearest before the first node that saves an image made by one; previews count where nothing is saved. */
function lastSampler (graph: Graph): GraphNode | undefined {
  const nodes = [...graph.values()]
  const ends = [...nodes.filter(({ type }) => savers.test(type)), ...nodes.filter(({ type }) => previews.test(type))]
  for (const end of ends.slice(0, 50)) {
    for (const { node } of upstream(graph, linksOf(end).map(([, link]) => link), () => true)) if (isSampler(node)) return node
  }
  return undefined
}

/** The sampler whose picture this one works on, or else whose result it is told of. */
function samplerBefore (graph: Graph, sampler: GraphNode, chain: ReadonlySet<GraphNode>): GraphNode | undefined {
  const links = linksOf(sampler)
  const pictures = links.filter(([name]) => pictureInputs.test(name))
  const others = links.filter(([name]) => !pictureInputs.test(name) && name !== 'model')
  for (const some of [pictures, others]) {
    for (const { node } of upstream(graph, some.map(([, link]) => link), (_node, name) => name !== 'model')) {
      if (isSampler(node) && !chain.has(node)) return node
      if (chain.size > 20) return undefined
    }
  }
  return undefined
}
