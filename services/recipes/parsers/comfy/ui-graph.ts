import { isObject } from '../../../models/read-value.ts'
import { groupAsSubgraph, groupName } from './group-node.ts'
import { MAX_NODES, type Graph, type GraphInput, type GraphNode } from './graph.ts'
import { BYPASSED, INPUT_BOUNDARY, MUTED, createScope, firstWidget, inputsOf, list, outputType, typeOf, type UiNode, type UiScope } from './ui-scope.ts'
import { widgetValues } from './widgets.ts'

const MAX_DEPTH = 16
/** Nodes that a value passes on its way, such as reroutes one after the other. */
const MAX_HOPS = 500
/** Links followed in one graph: switches that lead to switches have more ways than anyone can go. */
const MAX_LOOKUPS = 50_000
/** Nodes that only show something. */
const silent: ReadonlySet<string> = new Set(['Note', 'MarkdownNote', 'Reroute', 'Reroute (rgthree)', 'PrimitiveNode', 'SetNode', 'GetNode', 'Fast Groups Muter (rgthree)', 'Fast Groups Bypasser (rgthree)', 'Bookmark (rgthree)', 'Label (rgthree)'])

/** Whether an object is what ComfyUI's editor saves. */
export function isUiGraph (json: unknown): json is Record<string, unknown> {
  return isObject(json) && Array.isArray(json.nodes) && (Array.isArray(json.links) || json.nodes.some((node) => isObject(node) && 'widgets_values' in node))
}

/**
 * A UI graph as what would run of it: subgraphs laid out, reroutes, Set/Get pairs and primitives followed, bypassed nodes passed
 * through, muted ones and all that hangs on them alone left out.
 */
export function readUiGraph (json: Record<string, unknown>): Graph {
  const definitions = new Map<string, UiNode>()
  for (const definition of list(isObject(json.definitions) ? json.definitions.subgraphs : undefined)) if (isObject(definition)) definitions.set(String(definition.id), definition)
  const layout: Layout = { definitions, groups: isObject(json.extra) && isObject(json.extra.groupNodes) ? json.extra.groupNodes : {}, scopes: new Map(), graph: new Map(), steps: 0 }
  layOut(layout, createScope(json, '', null))
  return layout.graph
}

interface Layout { definitions: ReadonlyMap<string, UiNode>, groups: UiNode, scopes: Map<string, UiScope>, graph: Map<string, GraphNode>, steps: number }

function layOut (layout: Layout, scope: UiScope): void {
  for (const [id, node] of scope.nodes) {
    if (layout.graph.size >= MAX_NODES || node.mode === MUTED || node.mode === BYPASSED || silent.has(typeOf(node))) continue
    const inner = innerScope(layout, scope, id, node)
    if (inner) layOut(layout, inner)
    else if (!definitionOf(layout, node)) layout.graph.set(scope.prefix + id, realNode(layout, scope, id, node))
  }
}

/** What an instance of a subgraph or group node stands for. */
function definitionOf ({ definitions, groups }: Layout, node: UiNode): UiNode | undefined {
  const name = groupName(typeOf(node))
  const group = name !== null && Object.hasOwn(groups, name) ? groups[name] : undefined
  return isObject(group) ? groupAsSubgraph(group, node) : definitions.get(typeOf(node))
}

/** The laid-out subgraph of an instance; null when the node is none, or nested too deep. */
function innerScope (layout: Layout, outer: UiScope, id: string, node: UiNode): UiScope | null {
  const prefix = `${outer.prefix}${id}:`
  const known = layout.scopes.get(prefix)
  if (known) return known
  const definition = definitionOf(layout, node)
  if (!definition || outer.depth >= MAX_DEPTH || layout.scopes.size > MAX_NODES) return null
  const scope = createScope(definition, prefix, { outer, node, definition })
  layout.scopes.set(prefix, scope)
  return scope
}

function realNode (layout: Layout, scope: UiScope, id: string, node: UiNode): GraphNode {
  const inputs = new Map<string, GraphInput>()
  const sockets = inputsOf(node)
  const values = widgetValues(typeOf(node), node.widgets_values, sockets.filter(({ widget }) => widget).map(({ name }) => name))
  for (const [name, value] of values ?? []) inputs.set(name, { value })
  for (const { name, link } of sockets) {
    if (link === null) continue
    const source = sourceOf(layout, scope, link, 0)
    if (source) inputs.set(name, source)
    else inputs.delete(name)
  }
  return {
    id: scope.prefix + id,
    type: typeOf(node),
    title: typeof node.title === 'string' ? node.title : '',
    inputs,
    unnamed: values === null ? list(node.widgets_values) : [],
    order: layout.graph.size
  }
}

/** What a link brings in the end; undefined when it comes from nothing that runs. */
function sourceOf (layout: Layout, scope: UiScope, linkId: string, hops: number): GraphInput | undefined {
  const link = scope.links.get(linkId)
  if (!link || hops > MAX_HOPS || layout.steps++ > MAX_LOOKUPS) return undefined
  if (link.from === INPUT_BOUNDARY) return throughBoundary(layout, scope, link.slot, hops)
  const node = scope.nodes.get(link.from)
  if (!node || node.mode === MUTED) return undefined
  if (node.mode === BYPASSED) return throughBypass(layout, scope, node, link.slot, hops)
  return throughVirtual(layout, scope, node, hops) ?? throughSubgraph(layout, scope, link.from, node, link.slot, hops) ?? { link: { node: scope.prefix + link.from, slot: link.slot } }
}

/** An input of a subgraph is what its instance has: a link, or the value of a widget that was promoted. */
function throughBoundary (layout: Layout, scope: UiScope, slot: number, hops: number): GraphInput | undefined {
  if (!scope.use) return undefined
  const { outer, node, definition } = scope.use
  const declared = list(definition.inputs)[slot]
  const name = isObject(declared) ? String(declared.name) : ''
  const sockets = inputsOf(node)
  const socket = sockets.find((input) => input.name === name) ?? sockets[slot]
  if (socket?.link != null) return sourceOf(layout, outer, socket.link, hops + 1)
  const values = widgetValues('', node.widgets_values, sockets.filter(({ widget }) => widget).map((input) => input.name))
  return socket && values?.has(socket.name) ? { value: values.get(socket.name) } : undefined
}

/** Each output passes the first input of its type. */
function throughBypass (layout: Layout, scope: UiScope, node: UiNode, slot: number, hops: number): GraphInput | undefined {
  const type = outputType(node, slot)
  const socket = inputsOf(node).find((input) => input.link !== null && (input.type === type || type === '*' || input.type === '*'))
  return socket?.link == null ? undefined : sourceOf(layout, scope, socket.link, hops + 1)
}

/** Reroutes, primitives, Set/Get pairs, switches: the thing behind them; undefined for nodes that do something. */
function throughVirtual (layout: Layout, scope: UiScope, node: UiNode, hops: number): GraphInput | undefined {
  const type = typeOf(node)
  if (type === 'PrimitiveNode') return { value: firstWidget(node) }
  if (type === 'GetNode') return throughName(layout, scope, firstWidget(node), hops)
  if (type !== 'Reroute' && type !== 'Reroute (rgthree)' && type !== 'SetNode' && type !== 'Any Switch (rgthree)') return undefined
  for (const { link } of inputsOf(node)) {
    const source = link === null ? undefined : sourceOf(layout, scope, link, hops + 1)
    if (source) return source
  }
  return { value: undefined }
}

/** The last Set of that name, here or further out. */
function throughName (layout: Layout, scope: UiScope, name: unknown, hops: number): GraphInput {
  for (let level: UiScope | null = scope; level; level = level.use?.outer ?? null) {
    const setter = level.setters.get(name)
    const link = setter && inputsOf(setter).find((input) => input.link !== null)?.link
    if (link != null) return sourceOf(layout, level, link, hops + 1) ?? { value: undefined }
  }
  return { value: undefined }
}

function throughSubgraph (layout: Layout, scope: UiScope, id: string, node: UiNode, slot: number, hops: number): GraphInput | undefined {
  const inner = innerScope(layout, scope, id, node)
  if (!inner) return undefined
  const output = inner.outputs.get(slot)
  return (output === undefined ? undefined : sourceOf(layout, inner, output, hops + 1)) ?? { value: undefined }
}
