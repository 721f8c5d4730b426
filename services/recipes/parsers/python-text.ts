const MAX_ITEMS = 500

/** Items of a list as Python prints it: `['a', "b"]`, `[0.5, 1]`; a plain text is a list of one. */
export function pythonList (text: string): string[] {
  const trimmed = text.trim()
  if (!trimmed.startsWith('[')) return trimmed === '' ? [] : [trimmed]
  const items: string[] = []
  for (let at = 1; at < trimmed.length && items.length < MAX_ITEMS;) {
    const character = trimmed.charAt(at)
    if (character === ']') break
    if (character === "'" || character === '"') {
      const end = quoteEnd(trimmed, at)
      items.push(trimmed.slice(at + 1, end).replaceAll(/\\(.)/gs, '$1'))
      at = end + 1
    } else if (character === ',' || character === ' ') at++
    else {
      const end = nextComma(trimmed, at)
      items.push(trimmed.slice(at, end).trim())
      at = end
    }
  }
  return items
}

function quoteEnd (text: string, at: number): number {
  const quote = text.charAt(at)
  for (let position = at + 1; position < text.length; position++) {
    if (text.charAt(position) === '\\') position++
    else if (text.charAt(position) === quote) return position
  }
  return text.length
}

function nextComma (text: string, at: number): number {
  let position = at
  while (position < text.length && text.charAt(position) !== ',' && text.charAt(position) !== ']') position++
  return position
}
