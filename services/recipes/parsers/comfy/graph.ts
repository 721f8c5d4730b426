/** Where a value comes from: an output of another node. */
export interface GraphLink { node: string, slot: number }
/** A value as it stands in the node, or the output it is linked to. */
export type GraphInput = { link: GraphLink } | { value: unknown }

/** A node that ran. Graphs of both kinds are brought to this before anything is looked for in them. */
export interface GraphNode {
  id: string
  type: string
  /** As the user named it, else "". */
  title: string
  inputs: ReadonlyMap<string, GraphInput>
  /** Values whose names nothing tells (UI graphs); packs are known by their form alone. */
  unnamed: readonly unknown[]
  /** Place in the file. */
  order: number
}

export type Graph = ReadonlyMap<string, GraphNode>

/** Nodes of one graph, subgraphs laid out. */
export const MAX_NODES = 20_000
/** Steps of one walk. */
export const MAX_STEPS = 20_000

export function linkOf (node: GraphNode, name: string): GraphLink | undefined {
  const input = node.inputs.get(name)
  return input && 'link' in input ? input.link : undefined
}

export function valueOf (node: GraphNode, name: string): unknown {
  const input = node.inputs.get(name)
  return input && 'value' in input ? input.value : undefined
}

/** Linked inputs in order. */
export function linksOf (node: GraphNode): [string, GraphLink][] {
  const links: [string, GraphLink][] = []
  for (const [name, input] of node.inputs) if ('link' in input) links.push([name, input.link])
  return links
}
