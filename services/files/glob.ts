/** One place of a pattern: a set of characters to match, any one character, or any run of them. */
type Token = { kind: 'run' } | { kind: 'any' } | { kind: 'set', negated: boolean, ranges: [string, string][] } | { kind: 'literal', text: string }

/**
 * A shell glob: `*` any text (slashes too), `?` one character, `[abc]`, `[a-z]`, `[!a]` a set; a bracket that is never closed
 * stands for itself. The whole text must match. Time is at most pattern × text: after a mismatch only the last `*` gives way.
 */
export function createGlob (pattern: string, { foldCase = false }: { foldCase?: boolean } = {}): (text: string) => boolean {
  const tokens = tokenize(Array.from(foldCase ? pattern.toLowerCase() : pattern))
  return (text) => matches(tokens, Array.from(foldCase ? text.toLowerCase() : text))
}

function tokenize (characters: readonly string[]): Token[] {
  const tokens: Token[] = []
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? ''
    if (character === '*') {
      if (tokens.at(-1)?.kind !== 'run') tokens.push({ kind: 'run' })
    } else if (character === '?') {
      tokens.push({ kind: 'any' })
    } else {
      const end = character === '[' ? closingBracket(characters, at) : -1
      tokens.push(end === -1 ? { kind: 'literal', text: character } : readSet(characters.slice(at + 1, end)))
      if (end !== -1) at = end
    }
  }
  return tokens
}

/** A `]` right after the opening (or its `!`) is a member of the set. */
function closingBracket (characters: readonly string[], opened: number): number {
  const first = opened + (characters[opened + 1] === '!' ? 2 : 1)
  return characters.indexOf(']', first + 1)
}

function readSet (inside: readonly string[]): Token {
  const negated = inside[0] === '!'
  const members = negated ? inside.slice(1) : inside
  const ranges: [string, string][] = []
  for (let at = 0; at < members.length; at++) {
    const from = members[at] ?? ''
    const to = members[at + 2]
    if (members[at + 1] === '-' && to !== undefined) {
      ranges.push([from, to])
      at += 2
    } else {
      ranges.push([from, from])
    }
  }
  return { kind: 'set', negated, ranges }
}

function matches (tokens: readonly Token[], characters: readonly string[]): boolean {
  let token = 0
  let at = 0
  let lastRun = -1
  let resumeAt = 0
  while (at < characters.length) {
    const current = tokens[token]
    if (current?.kind === 'run') {
      lastRun = token++
      resumeAt = at
    } else if (current !== undefined && takes(current, characters[at] ?? '')) {
      token++
      at++
    } else if (lastRun !== -1) {
      token = lastRun + 1
      at = ++resumeAt
    } else {
      return false
    }
  }
  while (tokens[token]?.kind === 'run') token++
  return token === tokens.length
}

function takes (token: Token, character: string): boolean {
  switch (token.kind) {
    case 'literal': return token.text === character
    case 'set': return token.negated !== token.ranges.some(([from, to]) => inRange(character, from, to))
    default: return true
  }
}

function inRange (character: string, from: string, to: string): boolean {
  const code = (text: string): number => text.codePointAt(0) ?? 0
  return code(character) >= code(from) && code(character) <= code(to)
}
