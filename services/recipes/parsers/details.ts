/** `Key: value` pairs by lower-case key with single spaces; the first of a key counts. */
export interface Details {
  get (key: string): string | undefined
  /** As spelled, in order. */
  entries (): IterableIterator<[string, string]>
}

const MAX_PAIRS = 2000
const MAX_KEY = 80
/** Brackets and quotes that never close cost a look at the whole rest each. */
const MAX_UNCLOSED = 16

/**
 * The details line of A1111 and its relatives: pairs divided by commas or line breaks. Values with commas are JSON texts, objects
 * or lists; what has no key goes with the value before it. One pass.
 */
export function parseDetails (text: string): Details {
  const spelled = new Map<string, string>()
  const byKey = new Map<string, string>()
  const reader = createReader(text)
  for (let pair = reader.next(), last = ''; pair && spelled.size < MAX_PAIRS; pair = reader.next()) {
    const { key, value } = pair
    const plain = key.replaceAll(/\s+/g, ' ').toLowerCase()
    if (key === '') {
      if (last !== '') byKey.set(last, `${byKey.get(last) ?? ''}, ${value}`)
      continue
    }
    last = byKey.has(plain) ? '' : plain
    if (!byKey.has(plain)) {
      byKey.set(plain, value)
      spelled.set(key, value)
    }
  }
  return { get: (key) => byKey.get(key), entries: () => spelled.entries() }
}

interface Pair { key: string, value: string }

function createReader (text: string): { next (): Pair | null } {
  let at = 0
  let unclosed = 0

  function skip (separators: RegExp): void {
    while (at < text.length && separators.test(text.charAt(at))) at++
  }

  /** The position behind a quoted or bracketed value, -1 when it doesn't end at a separator. */
  function closedEnd (): number {
    const first = text.charAt(at)
    if ((first !== '"' && first !== '{' && first !== '[') || unclosed >= MAX_UNCLOSED) return -1
    const end = first === '"' ? quoteEnd(text, at) : bracketEnd(text, at)
    const closed = end > 0 && /^\s*(?:$|[,\n])/.test(text.slice(end, end + 8))
    if (!closed) unclosed++
    return closed ? end : -1
  }

  return {
    next () {
      skip(/[\s,]/)
      if (at >= text.length) return null
      const key = keyAt(text, at)
      at += key.length
      if (key !== '') at++
      skip(/[ \t]/)
      const start = at
      const end = closedEnd()
      at = end >= 0 ? end : plainEnd(text, at)
      return { key: key.trim(), value: unquote(text.slice(start, at).trim()) }
    }
  }
}

/** Up to a colon, when none of what divides pairs comes before it. */
function keyAt (text: string, at: number): string {
  for (let position = at; position < text.length && position - at <= MAX_KEY; position++) {
    const character = text.charAt(position)
    if (character === ':') return text.slice(at, position)
    if (character === ',' || character === '\n' || character === '"' || character === '{' || character === '[') return ''
  }
  return ''
}

function plainEnd (text: string, at: number): number {
  for (let position = at; position < text.length; position++) {
    const character = text.charAt(position)
    if (character === ',' || character === '\n') return position
  }
  return text.length
}

function quoteEnd (text: string, at: number): number {
  for (let position = at + 1; position < text.length; position++) {
    const character = text.charAt(position)
    if (character === '\\') position++
    else if (character === '"') return position + 1
  }
  return -1
}

function bracketEnd (text: string, at: number): number {
  let depth = 0
  for (let position = at; position < text.length;) {
    const character = text.charAt(position)
    if (character === '"') {
      position = quoteEnd(text, position)
      if (position < 0) return -1
      continue
    }
    if (character === '{' || character === '[') depth++
    else if ((character === '}' || character === ']') && --depth === 0) return position + 1
    position++
  }
  return -1
}

function unquote (value: string): string {
  if (!value.startsWith('"') || !value.endsWith('"') || value.length < 2) return value
  try {
    const text: unknown = JSON.parse(value)
    return typeof text === 'string' ? text : value
  } catch {
    return value.slice(1, -1)
  }
}
