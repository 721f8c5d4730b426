import { isObject } from '../../../models/read-value.ts'
import { INPUT_BOUNDARY, OUTPUT_BOUNDARY, list, type UiNode } from './ui-scope.ts'

const MAX_INNER = 500

/** The name of a group in the type of its use: `workflow>Name`, older `workflow/Name`. */
export function groupName (type: string): string | null {
  return /^workflow[>/](.+)$/s.exec(type)?.[1] ?? null
}

/**
 * One use of a group node as the subgraph it amounts to. Its inputs are those of the inner nodes that nothing inside is linked to, in
 * order; so are its outputs. The values of its widgets are those of the inner nodes one after the other.
 */
export function groupAsSubgraph (group: UiNode, use: UiNode): UiNode {
  const inner = list(group.nodes).slice(0, MAX_INNER).filter(isObject)
  const internal = list(group.links).slice(0, MAX_INNER * 4).map(list).filter(([from, , to]) => Number.isInteger(from) && Number.isInteger(to))
  const exposed = new Set(list(group.external).map((entry) => {
    const [node, slot] = list(entry)
    return isObject(node) ? `${String(node.index)} ${String(slot)}` : ''
  }))
  const links: Record<string, unknown>[] = []
  const addLink = (from: unknown, fromSlot: unknown, to: unknown, toSlot: unknown): string => {
    const id = `g${links.length}`
    links.push({ id, origin_id: from, origin_slot: fromSlot, target_id: to, target_slot: toSlot })
    return id
  }
  let [inputs, outputs] = [0, 0]
  const values = ownValues(inner, list(use.widgets_values))
  const nodes = inner.map((node, index) => ({
    ...node,
    id: index,
    widgets_values: values?.[index] ?? node.widgets_values,
    inputs: list(node.inputs).filter(isObject).map((input, slot) => {
      const link = internal.find(([, , to, toSlot]) => to === index && toSlot === slot)
      if (link) return { ...input, link: addLink(link[0], link[1], index, slot) }
      return { ...input, link: isObject(input.widget) ? null : addLink(INPUT_BOUNDARY, inputs++, index, slot) }
    })
  }))
  for (const [index, node] of inner.entries()) {
    for (const slot of list(node.outputs).keys()) {
      const linked = internal.some(([from, fromSlot]) => from === index && fromSlot === slot)
      if (!linked || exposed.has(`${index} ${slot}`)) addLink(index, slot, OUTPUT_BOUNDARY, outputs++)
    }
  }
  return { nodes, links, inputs: list(use.inputs) }
}

/** The part of the values that is each inner node's; null when their count doesn't add up. */
function ownValues (inner: readonly UiNode[], values: readonly unknown[]): unknown[][] | null {
  const counts = inner.map((node) => list(node.widgets_values).length)
  if (counts.reduce((sum, count) => sum + count, 0) !== values.length) return null
  let at = 0
  return counts.map((count) => {
    at += count
    return values.slice(at - count, at)
  })
}
