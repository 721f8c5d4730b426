/**
 * Finds where JSON values begin and end in UTF-8 bytes, without building them: by brackets and strings alone.
 * Iterative, so that no nesting exhausts the stack. Structural characters are ASCII, so bytes suffice.
 */
export const QUOTE = 0x22
export const COMMA = 0x2c
export const COLON = 0x3a
export const OPEN_BRACE = 0x7b
export const CLOSE_BRACE = 0x7d
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d

/** The bytes end before the value does. */
export const UNFINISHED = -1
/** The value is nested deeper, or has more parts, than the limits allow. */
export const EXCESSIVE = -2

export interface SpanLimits { depth: number, parts: number }

export function skipSpace (bytes: Uint8Array, at: number): number {
  let index = at
  for (;;) {
    const byte = bytes[index]
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return index
    index++
  }
}

/** Index after the string whose opening quote is at `at`, or UNFINISHED. */
export function skipString (bytes: Uint8Array, at: number): number {
  for (let index = at + 1; index < bytes.length; index++) {
    const byte = bytes[index]
    if (byte === BACKSLASH) index++
    else if (byte === QUOTE) return index + 1
  }
  return UNFINISHED
}

/** Index after the value that begins at `at`, or UNFINISHED or EXCESSIVE. */
export function skipValue (bytes: Uint8Array, at: number, limits: SpanLimits): number {
  let depth = 0
  let parts = 0
  let index = at
  while (index < bytes.length) {
    const byte = bytes[index]
    if (byte === QUOTE) {
      index = skipString(bytes, index)
      if (index === UNFINISHED || depth === 0) return index
      continue
    }
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth++
      parts++
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      if (depth === 0) return index
      if (--depth === 0) return index + 1
    } else if (byte === COMMA) {
      if (depth === 0) return index
      parts++
    } else if (depth === 0 && (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09)) return index
    if (depth > limits.depth || parts > limits.parts) return EXCESSIVE
    index++
  }
  return UNFINISHED
}

/** A member of an object, or an element of an array (key ""): `lead` is where the white space before it begins. */
export interface Part { key: string, lead: number, valueStart: number, valueEnd: number }

const UNLIMITED: SpanLimits = { depth: Infinity, parts: Infinity }

/** The parts of the object or array at `start`, which must be well-formed; `tail` is where the white space before its end begins. */
export function partsOf (bytes: Buffer, start: number): { parts: Part[], tail: number } {
  const keyed = bytes[start] === OPEN_BRACE
  const parts: Part[] = []
  let lead = start + 1
  for (;;) {
    let at = skipSpace(bytes, lead)
    if (at >= bytes.length || bytes[at] === CLOSE_BRACE || bytes[at] === CLOSE_BRACKET) return { parts, tail: lead }
    let key = ''
    if (keyed) {
      const keyEnd = skipString(bytes, at)
      key = String(JSON.parse(bytes.toString('utf8', at, keyEnd)))
      at = skipSpace(bytes, skipSpace(bytes, keyEnd) + 1)
    }
    const valueEnd = skipValue(bytes, at, UNLIMITED)
    parts.push({ key, lead, valueStart: at, valueEnd })
    const next = skipSpace(bytes, valueEnd)
    if (bytes[next] !== COMMA) return { parts, tail: valueEnd }
    lead = next + 1
  }
}
