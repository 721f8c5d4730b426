import { genParams, parsedImage } from '../parsed-image.ts'
import { promptTags } from '../prompt-tags.ts'
import { isApiGraph, readApiGraph } from './api-graph.ts'
import { generatorMetadata } from './generator-metadata.ts'
import { valueOf, type Graph, type GraphNode } from './graph.ts'
import { modelsAnywhere, modelsBehind } from './models.ts'
import { clipSkipOf, promptOf } from './prompts.ts'
import { samplerChain } from './samplers.ts'
import { samplingParams } from './sampling.ts'
import { isUiGraph, readUiGraph } from './ui-graph.ts'
import type { Evidence, GenParams, MetadataParser, ParsedHires, ParsedImage } from '../types.ts'

/** ComfyUI's graphs: the API graph that ran, else what the editor saved. */
export const comfy: MetadataParser = { name: 'comfy', parse: fromGraphs }

/** What the graphs of an image say; null without any. */
export function fromGraphs (evidence: Evidence): ParsedImage | null {
  const { api, ui } = graphsIn(evidence)
  if (api) {
    const read = withGenerator(fromGraph(readApiGraph(api)), api, evidence)
    return { ...read, hasWorkflow: ui !== null }
  }
  if (!ui) return null
  const read = fromGraph(readUiGraph(ui))
  return { ...read, hasWorkflow: true, warnings: [...read.warnings, 'Read from a workflow as it was edited, not as it ran: some values may be missing'] }
}

/** The first graph of each kind, wherever it stands. */
function graphsIn (evidence: Evidence): { api: Record<string, unknown> | null, ui: Record<string, unknown> | null } {
  let [api, ui]: (Record<string, unknown> | null)[] = [null, null]
  for (const text of evidence.candidates()) {
    const json = evidence.json(text)
    const output = typeof json === 'object' && json !== null && 'output' in json ? json.output : undefined
    if (isApiGraph(json)) api ??= json
    else if (isUiGraph(json)) ui ??= json
    else if (isApiGraph(output)) api ??= output
  }
  return { api: api ?? null, ui: ui ?? null }
}

function fromGraph (graph: Graph): ParsedImage {
  const chain = samplerChain(graph)
  const linked = chain && modelsBehind(graph, [chain.base, ...chain.later])
  const models = linked && (linked.checkpoint || linked.loras.length > 0) ? linked : modelsAnywhere(graph)
  const params = chain ? samplingParams(graph, chain.base) : {}
  const prompts = promptsOf(graph, chain?.base)
  const mentioned = promptTags(String(prompts.prompt ?? '')).map(({ name }) => name).filter((name) => !models.loras.some(({ fileName }) => fileName.toLowerCase().endsWith(name.toLowerCase())))
  return parsedImage('comfyui', 'from_comfy_metadata', {
    ...models,
    genParams: genParams({ ...prompts, ...params, clip_skip: chain ? clipSkipOf(graph, chain.base) : undefined }),
    hires: chain ? hiresOf(graph, chain.later) : null,
    warnings: mentioned.length > 0 ? [`The prompt mentions LoRAs that no node applies: ${mentioned.slice(0, 20).join(', ')}`] : []
  })
}

/** Prompts by the links of the sampler, else by what the nodes are titled, else the only text there is. */
function promptsOf (graph: Graph, sampler: GraphNode | undefined): GenParams {
  const [prompt, negative] = sampler ? [promptOf(graph, sampler, 'positive'), promptOf(graph, sampler, 'negative')] : []
  const encoders = [...graph.values()].filter(({ type }) => type.endsWith('CLIPTextEncode'))
  const titled = (title: string): string | undefined => {
    const text = encoders.filter((node) => node.title === title).map((node) => valueOf(node, 'text')).find((value) => typeof value === 'string')
    return typeof text === 'string' ? text : undefined
  }
  const only = encoders.length === 1 && encoders[0] && sampler === undefined ? valueOf(encoders[0], 'text') : undefined
  return genParams({ prompt: prompt ?? titled('Positive') ?? (typeof only === 'string' ? only : undefined), negative_prompt: negative ?? titled('Negative') })
}

/** A later sampler that keeps part of what is there. */
function hiresOf (graph: Graph, later: readonly GraphNode[]): ParsedHires | null {
  for (const sampler of later) {
    const { denoising_strength: denoise, steps } = samplingParams(graph, sampler)
    if (typeof denoise === 'number' && denoise < 1) return { denoise, ...(typeof steps === 'number' ? { steps } : {}) }
  }
  return null
}

/** CivitAI's generator puts what it was asked for beside the nodes. */
function withGenerator (read: ParsedImage, api: Record<string, unknown>, evidence: Evidence): ParsedImage {
  const metadata = generatorMetadata(api, evidence.json)
  return metadata ? metadata(read) : read
}
