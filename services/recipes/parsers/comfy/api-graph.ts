import { isObject } from '../../../models/read-value.ts'
import { MAX_NODES, type Graph, type GraphInput, type GraphNode } from './graph.ts'

/** Whether an object is ComfyUI's API graph: some members are nodes with a class. */
export function isApiGraph (json: unknown): json is Record<string, unknown> {
  return isObject(json) && Object.values(json).some((node) => isObject(node) && typeof node.class_type === 'string')
}

/** Members without a class are other things that writers put beside the nodes. */
export function readApiGraph (json: Record<string, unknown>): Graph {
  const graph = new Map<string, GraphNode>()
  for (const [id, node] of Object.entries(json)) {
    if (!isObject(node) || typeof node.class_type !== 'string' || graph.size >= MAX_NODES) continue
    const inputs = new Map<string, GraphInput>()
    for (const [name, value] of Object.entries(isObject(node.inputs) ? node.inputs : {})) inputs.set(name, inputOf(value))
    const title = isObject(node._meta) && typeof node._meta.title === 'string' ? node._meta.title : ''
    graph.set(id, { id, type: node.class_type, title, inputs, unnamed: [], order: graph.size })
  }
  return graph
}

/** A link is exactly the id of a node and a number; lists that are values stand in `__value__`. */
function inputOf (value: unknown): GraphInput {
  if (Array.isArray(value) && value.length === 2 && (typeof value[0] === 'string' || typeof value[0] === 'number') && Number.isInteger(value[1])) {
    return { link: { node: String(value[0]), slot: Number(value[1]) } }
  }
  return { value: isObject(value) && '__value__' in value ? value.__value__ : value }
}
