import { isObject } from '../../../models/read-value.ts'
import { MAX_NODES } from './graph.ts'

/** A node of a UI graph as the file has it. */
export type UiNode = Readonly<Record<string, unknown>>
export interface UiLink { from: string, slot: number, to: string, toSlot: number }
export interface UiInput { name: string, type: string, link: string | null, widget: boolean }

/** One level of a UI graph: the whole, or one use of a subgraph. */
export interface UiScope {
  /** Of the ids of its nodes: "" or `<instance>:`. */
  prefix: string
  nodes: Map<string, UiNode>
  links: Map<string, UiLink>
  /** Links to the outputs of a subgraph, by slot. */
  outputs: Map<number, string>
  /** Nodes that give a value a name, the last of each. */
  setters: Map<unknown, UiNode>
  /** The subgraph that this is a use of, and where. */
  use: { outer: UiScope, node: UiNode, definition: UiNode } | null
  depth: number
}

/** Boundary nodes of subgraphs. */
export const INPUT_BOUNDARY = '-10'
export const OUTPUT_BOUNDARY = '-20'
export const MUTED = 2
export const BYPASSED = 4
const MAX_LINKS = 100_000
const MAX_SOCKETS = 200

export function createScope (graph: UiNode, prefix: string, use: UiScope['use']): UiScope {
  const scope: UiScope = { prefix, nodes: new Map(), links: new Map(), outputs: new Map(), setters: new Map(), use, depth: use === null ? 0 : use.outer.depth + 1 }
  for (const node of list(graph.nodes).slice(0, MAX_NODES)) {
    if (!isObject(node)) continue
    scope.nodes.set(String(node.id), node)
    if (typeOf(node) === 'SetNode' && node.mode !== MUTED) scope.setters.set(firstWidget(node), node)
  }
  for (const link of list(graph.links).slice(0, MAX_LINKS)) {
    const read = linkOf(link)
    if (read) scope.links.set(read.id, read)
    if (read?.to === OUTPUT_BOUNDARY) scope.outputs.set(read.toSlot, read.id)
  }
  return scope
}

/** `[id, from, slot, to, slot, type]`, or an object with the same in names. */
function linkOf (link: unknown): UiLink & { id: string } | null {
  const parts = isObject(link) ? [link.id, link.origin_id, link.origin_slot, link.target_id, link.target_slot] : list(link)
  const [id, from, slot, to, toSlot] = parts
  if (id === undefined || from === undefined || to === undefined) return null
  return { id: String(id), from: String(from), slot: Number(slot), to: String(to), toSlot: Number(toSlot) }
}

export function inputsOf (node: UiNode): UiInput[] {
  return list(node.inputs).slice(0, MAX_SOCKETS).filter(isObject).map((input) => ({
    name: typeof input.name === 'string' ? input.name : '',
    type: typeof input.type === 'string' ? input.type : '*',
    link: input.link === null || input.link === undefined ? null : String(input.link),
    widget: isObject(input.widget)
  }))
}

export function outputType (node: UiNode, slot: number): string {
  const output = list(node.outputs)[slot]
  return isObject(output) && typeof output.type === 'string' ? output.type : '*'
}

export const typeOf = (node: UiNode): string => typeof node.type === 'string' ? node.type : ''

export function firstWidget (node: UiNode): unknown {
  return list(node.widgets_values)[0]
}

export function list (value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
