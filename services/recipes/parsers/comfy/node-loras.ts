import { isObject } from '../../../models/read-value.ts'
import { civitaiReference, stemOf } from '../model-file.ts'
import { loraOf, present } from '../parsed-image.ts'
import { promptTags } from '../prompt-tags.ts'
import { integerIn, nameIn } from '../read-fields.ts'
import { valueOf, type Graph, type GraphNode } from './graph.ts'
import { textOf } from './resolve-value.ts'
import type { ParsedLora } from '../types.ts'

const MAX_ENTRIES = 200
const switches = ['switch', 'on', 'active', 'enabled', 'enable', 'toggle'] as const
const modelStrengths = ['strength_model', 'model_strength', 'model_weight', 'model_str', 'lora_model_strength', 'lora_wt', 'lora_weight', 'strength', 'weight'] as const
const clipStrengths = ['strength_clip', 'clip_strength', 'clip_weight', 'clip_str', 'lora_clip_strength'] as const

/** LoRAs that a node applies, whichever pack it is of: single ones, numbered ones, lists, and tags in a text. */
export function nodeLoras (graph: Graph, node: GraphNode): ParsedLora[] {
  const listed = present([...objectEntries(node), ...numberedEntries(node)])
  return listed.length > 0 || hasList(node) ? listed : taggedLoras(graph, node)
}

/** A name may be CivitAI's address of a version rather than a file. */
function entry (name: unknown, strength: unknown, clipStrength?: unknown): ParsedLora | null {
  const file = nameIn(name)
  if (file === undefined) return null
  const reference = civitaiReference(file)
  if (reference) return loraOf({ name: `Lora ${reference.modelId}`, fileName: `Lora ${reference.modelId}`, ...reference, type: 'lora', strength, clipStrength })
  return loraOf({ name: stemOf(file), fileName: file, strength, clipStrength })
}

/** rgthree's `lora_1: {on, lora, strength}` and LoRA Manager's `loras: [{name, strength, active}]`, also where nothing names them. */
function objectEntries (node: GraphNode): (ParsedLora | null)[] {
  const values = [...node.inputs.values()].map((input) => 'value' in input ? input.value : undefined)
  return [...values, ...node.unnamed].flatMap(flattened).filter(isObject).slice(0, MAX_ENTRIES).flatMap((item) => {
    if ('lora' in item) return [item.on === false ? null : entry(item.lora, item.strength, item.strengthTwo)]
    if (!('name' in item) || !('strength' in item)) return []
    return [item.active === false || item._isDummy === true ? null : entry(item.name, item.strength, item.clipStrength)]
  })
}

/** Lists, lists in a list of one, and `{"__value__": list}`. */
function flattened (value: unknown): unknown[] {
  if (isObject(value) && Array.isArray(value.__value__)) return flattened(value.__value__)
  if (!Array.isArray(value)) return [value]
  return value.length === 1 && Array.isArray(value[0]) ? value[0].slice(0, MAX_ENTRIES) : value.slice(0, MAX_ENTRIES)
}

const hasList = (node: GraphNode): boolean => flattened(valueOf(node, 'loras')).some((item) => isObject(item) && 'name' in item)

/** `lora_name`, `lora_name_2`, `lora_02` and so on, with strength and switch of the same number. */
function numberedEntries (node: GraphNode): (ParsedLora | null)[] {
  const count = integerIn(valueOf(node, 'lora_count')) ?? Infinity
  const simple = valueOf(node, 'input_mode') === 'simple'
  const found: (ParsedLora | null)[] = []
  for (const name of node.inputs.keys()) {
    const match = /^lora(?:_?name)?_?(\d{1,3})?$/i.exec(name)
    const number = match?.[1]
    if (!match || (number !== undefined && Number(number) > count) || typeof valueOf(node, name) !== 'string' || found.length >= MAX_ENTRIES) continue
    if (switches.some((key) => isOff(valueAt(node, key, number)))) continue
    const strengths = simple ? ['lora_wt'] as const : modelStrengths.filter((key) => integerIn(count) === undefined || key !== 'lora_wt')
    const strength = strengths.map((key) => valueAt(node, key, number)).find((value) => value !== undefined)
    const clip = simple ? undefined : clipStrengths.map((key) => valueAt(node, key, number)).find((value) => value !== undefined)
    found.push(entry(valueOf(node, name), strength, clip))
  }
  return found
}

function valueAt (node: GraphNode, key: string, number: string | undefined): unknown {
  return number === undefined ? valueOf(node, key) : valueOf(node, `${key}_${number}`) ?? valueOf(node, `${key}${number}`)
}

const isOff = (value: unknown): boolean => value === false || value === 'Off' || value === 'off' || value === 'False'

/** Nodes on the way of the model that hold tags are there to apply them. */
function taggedLoras (graph: Graph, node: GraphNode): ParsedLora[] {
  const found: ParsedLora[] = []
  for (const [name, input] of node.inputs) {
    if (!/text|prompt|lora|string|positive|syntax/i.test(name) || /negative/i.test(name)) continue
    const text = textOf(graph, input)
    if (text === undefined || !text.includes('<')) continue
    found.push(...present(promptTags(text).map((tag) => tag.kind === 'lora' ? { ...entry(tag.name, tag.strength, tag.clipStrength), strengthFrom: 'tag' as const } as ParsedLora : null)))
  }
  return found
}
