import { numberIn } from './read-fields.ts'
import { stemKey } from './model-file.ts'

/** `<lora:name:0.8>` and its relatives in a prompt. */
export interface PromptTag { kind: 'lora' | 'hypernet', name: string, strength: number, clipStrength?: number }

const kinds: Readonly<Record<string, PromptTag['kind']>> = { lora: 'lora', lyco: 'lora', lyc: 'lora', hypernet: 'hypernet' }
const MAX_TAG = 400
const MAX_TAGS = 500

/** Tags in order, each name once: the last strength at the first position. No strength means 1, one more is the text encoder's. */
export function promptTags (prompt: string): PromptTag[] {
  const tags = new Map<string, PromptTag>()
  for (let at = prompt.indexOf('<'); at >= 0 && tags.size < MAX_TAGS; at = prompt.indexOf('<', at + 1)) {
    const tag = tagAt(prompt, at)
    if (!tag) continue
    const key = `${tag.kind}:${stemKey(tag.name)}`
    const known = tags.get(key)
    if (known) Object.assign(known, tag)
    else tags.set(key, tag)
  }
  return [...tags.values()]
}

function tagAt (prompt: string, at: number): PromptTag | null {
  const text = prompt.slice(at + 1, at + 1 + MAX_TAG)
  const end = text.indexOf('>')
  const [kindName = '', name = '', strength, clip] = end < 0 ? [] : text.slice(0, end).split(':')
  const kind = Object.hasOwn(kinds, kindName.toLowerCase()) ? kinds[kindName.toLowerCase()] : undefined
  if (kind === undefined || name.trim() === '') return null
  const clipStrength = numberIn(clip)
  return { kind, name: name.trim(), strength: numberIn(strength) ?? 1, ...(clipStrength === undefined ? {} : { clipStrength }) }
}
