import { isDeepStrictEqual } from 'node:util'
import { partsOf, skipSpace, type Part } from './json-spans.ts'
import { isObject } from './read-value.ts'

/**
 * The JSON text of `after`, made from the text of `before` by rewriting only what differs.
 * What an edit does not touch keeps its bytes: key order, white space, `1.0`, and integers beyond 2^53 (seeds),
 * which a plain parse and stringify would round.
 */
export function editJsonText (original: Buffer, before: unknown, after: unknown): string {
  const start = skipSpace(original, 0)
  const end = original.length - trailingSpace(original)
  return original.toString('utf8', 0, start) + edit(original, start, end, before, after, '') + original.toString('utf8', end)
}

function trailingSpace (bytes: Buffer): number {
  let length = 0
  while (length < bytes.length && (bytes[bytes.length - 1 - length] ?? 0x21) <= 0x20) length++
  return length
}

function edit (bytes: Buffer, start: number, end: number, before: unknown, after: unknown, indent: string): string {
  if (isDeepStrictEqual(before, after)) return bytes.toString('utf8', start, end)
  if (isObject(before) && isObject(after)) return editObject(bytes, start, before, after, indent)
  if (Array.isArray(before) && Array.isArray(after)) return editArray(bytes, start, before, after, indent)
  return print(after, indent)
}

/** Follows the layout of the text around it: indented where that is, else on one line. */
function layoutOf (bytes: Buffer, first: Part | undefined, indent: string): { lead: string, indent: string, flat: boolean } {
  if (!first) return { lead: `\n${indent}  `, indent: `${indent}  `, flat: false }
  const space = bytes.toString('utf8', first.lead, skipSpace(bytes, first.lead))
  const line = space.lastIndexOf('\n')
  return line < 0 ? { lead: '', indent, flat: true } : { lead: space, indent: space.slice(line + 1), flat: false }
}

function editObject (bytes: Buffer, start: number, before: Record<string, unknown>, after: Record<string, unknown>, indent: string): string {
  const { parts, tail } = partsOf(bytes, start)
  const layout = layoutOf(bytes, parts[0], indent)
  const live = new Map(parts.map((part) => [part.key, part]))
  const texts: string[] = []
  for (const part of parts) {
    const value = Object.hasOwn(after, part.key) ? after[part.key] : undefined
    if (value === undefined) continue
    // Of members with the same key the last one counts; earlier ones stay as they are.
    const text = live.get(part.key) === part
      ? edit(bytes, part.valueStart, part.valueEnd, before[part.key], value, layout.indent)
      : bytes.toString('utf8', part.valueStart, part.valueEnd)
    texts.push(bytes.toString('utf8', part.lead, part.valueStart) + text)
  }
  for (const [key, value] of Object.entries(after)) {
    if (live.has(key) || value === undefined) continue
    texts.push(`${layout.lead}${JSON.stringify(key)}${layout.flat ? ':' : ': '}${layout.flat ? JSON.stringify(value) : print(value, layout.indent)}`)
  }
  return texts.length === 0 ? '{}' : `{${texts.join(',')}${parts.length > 0 ? closing(bytes, tail) : `\n${indent}`}}`
}

function editArray (bytes: Buffer, start: number, before: unknown[], after: unknown[], indent: string): string {
  const { parts, tail } = partsOf(bytes, start)
  const layout = layoutOf(bytes, parts[0], indent)
  const shift = before.length - after.length
  const texts = after.map((value, place) => {
    // After an insertion or a removal the rest is found again at the other end.
    const source = !isDeepStrictEqual(before[place], value) && isDeepStrictEqual(before[place + shift], value) ? place + shift : place
    const part = parts[source]
    if (!part) return layout.lead + (layout.flat ? JSON.stringify(value ?? null) : print(value ?? null, layout.indent))
    return bytes.toString('utf8', part.lead, part.valueStart) + edit(bytes, part.valueStart, part.valueEnd, before[source], value ?? null, layout.indent)
  })
  return texts.length === 0 ? '[]' : `[${texts.join(',')}${parts.length > 0 ? closing(bytes, tail) : `\n${indent}`}]`
}

function closing (bytes: Buffer, tail: number): string {
  return bytes.toString('utf8', tail, skipSpace(bytes, tail))
}

function print (value: unknown, indent: string): string {
  return JSON.stringify(value, null, 2).replaceAll('\n', `\n${indent}`)
}
