import { numberIn } from '../read-fields.ts'
import { linkOf, linksOf, type Graph, type GraphInput, type GraphLink, type GraphNode } from './graph.ts'

const MAX_NODES_ASKED = 64
const MAX_PIECES = 200

/** Inputs under which nodes that only hold or pass a text keep it, the finished text first. */
const textKeys = ['populated_text', 'text', 'string', 'prompt', 'value', 'positive', 'positive_prompt', 'text_positive', 'wildcard_text', 'STRING', 'Text', 'result', 'content', 'input', 'any_01', 'any_02', 'source', 'anything'] as const
const numberKeys = ['value', 'seed', 'noise_seed', 'int', 'float', 'number', 'Number', 'INT', 'FLOAT', 'a', 'steps', 'cfg', 'any_01', 'input'] as const
const joins = /concat|join|combine|merge/i
const delimiterKeys = ['delimiter', 'separator', 'linebreak_addition'] as const

/** A text: as it stands, or that of the nodes it is linked to; undefined when nothing tells. */
export function textOf (graph: Graph, input: GraphInput | undefined, negative = false, asked = new Set<string>()): string | undefined {
  if (!input) return undefined
  if ('value' in input) return typeof input.value === 'string' ? input.value : undefined
  const node = askOnce(graph, input.link, asked)
  if (!node) return undefined
  if (joins.test(node.type)) return joinedText(graph, node, negative, asked)
  // Nodes that write both prompts give the second one at their second output.
  const second = input.link.slot === 1 && (negative || node.inputs.has('text_negative') || node.inputs.has('negative_prompt'))
  const keys = second ? ['text_negative', 'negative_prompt', 'negative', ...textKeys] : textKeys
  for (const key of keys) {
    const text = textOf(graph, node.inputs.get(key), negative, asked)
    if (text !== undefined) return text
  }
  return numberedText(graph, node, negative, asked) ?? node.unnamed.find((value): value is string => typeof value === 'string')
}

/** Switches and the like number their inputs: the first that leads to a text. */
function numberedText (graph: Graph, node: GraphNode, negative: boolean, asked: Set<string>): string | undefined {
  for (const [name, input] of [...node.inputs].slice(0, MAX_PIECES)) {
    const text = /^(?:text|string|prompt|input|str|value|any)[ _]?\w{1,8}$/i.test(name) ? textOf(graph, input, negative, asked) : undefined
    if (text !== undefined && text !== '') return text
  }
  return undefined
}

/** The node behind a link, once for a question: values may lead in circles, and to one node on many ways. */
function askOnce (graph: Graph, { node }: GraphLink, asked: Set<string>): GraphNode | undefined {
  if (asked.has(node) || asked.size >= MAX_NODES_ASKED) return undefined
  asked.add(node)
  return graph.get(node)
}

/** Pieces in the order of the inputs, with the delimiter that the node has. */
function joinedText (graph: Graph, node: GraphNode, negative: boolean, asked: Set<string>): string | undefined {
  const pieces: string[] = []
  const named = delimiterKeys.map((key) => node.inputs.get(key)).find((input) => input !== undefined)
  const delimiter = named && 'value' in named && typeof named.value === 'string' ? named.value : ''
  for (const [name, input] of [...node.inputs].slice(0, MAX_PIECES)) {
    if ((delimiterKeys as readonly string[]).includes(name) || !/text|string|prompt|^[a-z]$|input|positive/i.test(name)) continue
    const text = textOf(graph, input, negative, asked)
    if (text !== undefined && text !== '') pieces.push(text)
  }
  return pieces.length === 0 ? undefined : pieces.join(delimiter.replaceAll('\\n', '\n'))
}

/** A number or the text of one: as it stands, or that of the node it is linked to. */
export function numberOf (graph: Graph, input: GraphInput | undefined, asked = new Set<string>()): number | string | undefined {
  if (!input) return undefined
  if ('value' in input) return numberIn(input.value) === undefined ? undefined : input.value as number | string
  const node = askOnce(graph, input.link, asked)
  for (const key of numberKeys) {
    const number = numberOf(graph, node?.inputs.get(key), asked)
    if (number !== undefined) return number
  }
  return undefined
}

/** Nodes upstream of some links, the nearest first, each once; `follow` says which inputs of a node lead on. */
export function * upstream (graph: Graph, links: readonly GraphLink[], follow: (node: GraphNode, name: string) => boolean): Generator<{ node: GraphNode, slot: number }> {
  const seen = new Set<string>()
  const waiting = [...links]
  for (let next = 0; next < waiting.length; next++) {
    const link = waiting[next]
    const node = link && graph.get(link.node)
    if (!link || !node || seen.has(node.id)) continue
    seen.add(node.id)
    yield { node, slot: link.slot }
    for (const [name, inner] of linksOf(node)) if (follow(node, name)) waiting.push(inner)
  }
}

/** The node that an input is linked to, through nodes that only pass it on. */
export function sourceNode (graph: Graph, node: GraphNode, name: string): GraphNode | undefined {
  const link = linkOf(node, name)
  return link && graph.get(link.node)
}
