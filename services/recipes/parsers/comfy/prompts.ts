import { integerIn } from '../read-fields.ts'
import { linkOf, linksOf, type Graph, type GraphLink, type GraphNode } from './graph.ts'
import { numberOf, textOf, upstream } from './resolve-value.ts'

export type Side = 'positive' | 'negative'

/** Inputs of text encoders that hold the prompt; the same text may stand in two of them. */
const encoderKeys = ['text', 'prompt', 'positive_prompt', 'text_g', 'text_l', 'clip_l', 't5xxl', 'clip_g', 'populated_text', 'wildcard_text', 'user_prompt', 'string'] as const
/** Inputs that carry no prompt, whatever is behind them. */
const others = /^(?:clip|clip_vision|clip_vision_output|vae|model|image|images|pixels|mask|control_net|style_model|latent|latents|samples|start_image|end_image|init_image|gligen_textbox_model|audio|stage_c|lora_stack|sampler|sigmas|noise)$/i
const MAX_TEXTS = 200

/** Texts that a sampler is told, in the order of the links; undefined where nothing leads to any. */
export function promptOf (graph: Graph, sampler: GraphNode, side: Side): string | undefined {
  const { links: start, bundled } = startLinks(graph, sampler, side)
  if (start.length === 0) return undefined
  const texts: string[] = []
  let zeroed = false
  const seen = new Set<string>()
  const walk = (link: GraphLink, from: Side, depth: number): void => {
    const node = graph.get(link.node)
    const key = `${link.node} ${from}`
    if (!node || seen.has(key) || depth > 500 || texts.length >= MAX_TEXTS) return
    seen.add(key)
    if (node.type === 'ConditioningZeroOut') {
      zeroed = true
      return
    }
    const own = ownText(graph, node, from)
    if (own !== undefined) texts.push(own)
    if (own === undefined || !linkOf(node, 'clip')) for (const [inner, next] of conditionLinks(node, bundled ? -1 : link.slot, from)) walk(inner, next, depth + 1)
  }
  for (const link of start) walk(link, side, 0)
  const found = [...new Set(texts.map((text) => text.trim()).filter((text) => text !== ''))]
  return texts.length > 0 || zeroed ? found.join('\n') : undefined
}

interface Start {
  links: GraphLink[]
  /** Both prompts come along one link: which output it is says nothing of the side. */
  bundled: boolean
}

function startLinks (graph: Graph, sampler: GraphNode, side: Side): Start {
  const guider = linkOf(sampler, 'guider')
  const node = guider ? graph.get(guider.node) : sampler
  if (!node) return { links: [], bundled: false }
  const linked = (names: readonly string[]): GraphLink[] => names.map((name) => linkOf(node, name)).filter((link) => link !== undefined)
  const direct = linked(side === 'positive' ? ['positive', 'conditioning', 'cond1', 'cond2', 'conditioning_positive'] : ['negative', 'negative_text_embeds', 'conditioning_negative'])
  return direct.length > 0 ? { links: direct, bundled: false } : { links: linked(bundles), bundled: true }
}

/** Inputs by which some packs hand everything on at once. */
const bundles = ['text_embeds', 'pipe', 'basic_pipe', 'sdxl_tuple', 'context', 'base_ctx', 'bus'] as const

/** The text of an encoder, or the one of two that a loader holds; undefined for nodes that hold none. */
function ownText (graph: Graph, node: GraphNode, side: Side): string | undefined {
  const both = textOf(graph, isText(graph, node, side) ? node.inputs.get(side) : undefined, side === 'negative')
  if (both !== undefined) return both
  if (side === 'negative') {
    const negative = textOf(graph, node.inputs.get('negative_prompt'), true)
    if (negative !== undefined) return negative
  }
  const texts: string[] = []
  for (const key of encoderKeys) {
    const input = node.inputs.get(key)
    if ((key === 'positive_prompt' && side === 'negative') || (key === 'wildcard_text' && node.inputs.has('populated_text'))) continue
    const text = input && textOf(graph, input, side === 'negative')
    if (text !== undefined && !texts.includes(text)) texts.push(text)
  }
  if (texts.length === 0) {
    const unnamed = /textencode|prompt/i.test(node.type) ? node.unnamed.find((value): value is string => typeof value === 'string') : undefined
    return unnamed
  }
  return texts.filter((text, index) => text !== '' || index === 0).join('\n')
}

/** Whether `positive` and `negative` of a node are texts, or lead to nodes that hold one and no conditioning. */
function isText (graph: Graph, node: GraphNode, side: Side): boolean {
  const input = node.inputs.get(side)
  if (!input) return false
  if ('value' in input) return typeof input.value === 'string'
  const source = graph.get(input.link.node)
  return source !== undefined && !linkOf(source, 'clip') && !linkOf(source, 'conditioning') && !linkOf(source, 'positive') && /string|text|primitive|prompt|wildcard/i.test(source.type) && !/encode|condition/i.test(source.type)
}

/** Links that lead on to conditioning. Nodes with both sides give the positive one first, the negative one second. */
function conditionLinks (node: GraphNode, slot: number, side: Side): [GraphLink, Side][] {
  const [positive, negative] = [linkOf(node, 'positive'), linkOf(node, 'negative')]
  if (positive && negative) {
    const wanted: Side = slot === 0 ? 'positive' : slot === 1 ? 'negative' : side
    return [[wanted === 'positive' ? positive : negative, wanted]]
  }
  return linksOf(node).filter(([name]) => !others.test(name) && !(side === 'positive' && /negative/i.test(name)) && !(side === 'negative' && /^positive/i.test(name) && negative !== undefined)).map(([, link]) => [link, side])
}

/** Layers that the text encoder leaves out, counted from 1. */
export function clipSkipOf (graph: Graph, sampler: GraphNode): number | undefined {
  const { links } = startLinks(graph, sampler, 'positive')
  for (const { node } of upstream(graph, links, (_node, name) => /^(?:clip|conditioning|positive|pipe|context)/i.test(name) && name !== 'clip_vision_output' && name !== 'clip_vision')) {
    const layer = integerIn(numberOf(graph, node.inputs.get('stop_at_clip_layer')) ?? numberOf(graph, node.inputs.get('clip_skip')))
    if (layer !== undefined && layer !== 0) return Math.abs(layer)
  }
  return undefined
}
