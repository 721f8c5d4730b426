/** Deeper JSON is no metadata, and would overflow whoever walks it. */
const MAX_DEPTH = 200
const MAX_LENGTH = 32 * 1024 * 1024
/** Integers of more digits may not fit a double. */
const SAFE_DIGITS = 15
const QUOTE = 34
const BACKSLASH = 92

/**
 * JSON as generators write it: integers that a double would round stay as their decimal text, the bare `NaN` and `Infinity` of
 * Python become null, a byte order mark and trailing NULs are ignored. Undefined when it is no JSON object or array, or too deep.
 */
export function parseMetadataJson (text: string): Record<string, unknown> | unknown[] | undefined {
  const start = firstCharacter(text)
  const opening = text.charAt(start)
  if ((opening !== '{' && opening !== '[') || text.length > MAX_LENGTH) return undefined
  const tamed = tame(text, start)
  if (tamed === null) return undefined
  try {
    const value: unknown = JSON.parse(tamed)
    return typeof value === 'object' && value !== null ? value as Record<string, unknown> | unknown[] : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function firstCharacter (text: string): number {
  let at = 0
  while (at < text.length && (text.charCodeAt(at) <= 32 || text.charCodeAt(at) === 0xfeff)) at++
  return at
}

/** The text with long integers quoted and bare words replaced, in one pass; null when it is nested too deep. */
function tame (text: string, start: number): string | null {
  const end = lastCharacter(text)
  let tamed = ''
  let copied = start
  let depth = 0
  for (let at = start; at < end;) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = stringEnd(text, at)
    else if (code === 91 || code === 123) {
      if (++depth > MAX_DEPTH) return null
      at++
    } else if (code === 93 || code === 125) {
      depth--
      at++
    } else if (isWordPart(code)) {
      const word = wordAt(text, at)
      const better = replacement(word)
      if (better !== null) {
        tamed += text.slice(copied, at) + better
        copied = at + word.length
      }
      at += word.length
    } else at++
  }
  return tamed + text.slice(copied, end)
}

function lastCharacter (text: string): number {
  let end = text.length
  while (end > 0 && text.charCodeAt(end - 1) <= 32) end--
  return end
}

/** Position behind the closing quote. */
function stringEnd (text: string, at: number): number {
  for (let position = at + 1; position < text.length; position++) {
    const code = text.charCodeAt(position)
    if (code === BACKSLASH) position++
    else if (code === QUOTE) return position + 1
  }
  return text.length
}

/** Letters, digits, sign and point: a number or a bare word. */
function isWordPart (code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 45 || code === 43 || code === 46
}

function wordAt (text: string, at: number): string {
  let end = at + 1
  while (end < text.length && isWordPart(text.charCodeAt(end))) end++
  return text.slice(at, end)
}

function replacement (word: string): string | null {
  if (word === 'NaN' || word === 'Infinity' || word === '-Infinity') return 'null'
  if (word.length <= SAFE_DIGITS || word.length > 400 || !/^-?\d+$/.test(word)) return null
  return Number.isSafeInteger(Number(word)) ? null : `"${word}"`
}
