/** One entry of a priority list: the tag that stands for itself and its aliases. */
export interface PriorityTag { canonical: string, aliases: string[] }

/**
 * Reads `character, style(art style|drawing), …`: entries end at commas and newlines, aliases stand in parentheses.
 * A second entry of the same tag is dropped; where parentheses don't match they are dropped and the entry is one tag.
 */
export function parsePriorityTags (text: string): PriorityTag[] {
  const found = new Map<string, PriorityTag>()
  for (const entry of entriesOf(text)) {
    const tag = parseEntry(entry)
    const key = tag.canonical.toLowerCase()
    if (key !== '' && !found.has(key)) found.set(key, tag)
  }
  return [...found.values()]
}

/** Commas inside of parentheses that are closed later in the line belong to the entry. */
function entriesOf (text: string): string[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const entries: string[] = []
    let start = 0
    let inside = false
    const lastClosed = line.lastIndexOf(')')
    for (let at = 0; at < line.length; at++) {
      if (line[at] === '(' && at < lastClosed) inside = true
      else if (line[at] === ')') inside = false
      else if (line[at] === ',' && !inside) {
        entries.push(line.slice(start, at))
        start = at + 1
      }
    }
    return [...entries, line.slice(start)]
  })
}

function parseEntry (entry: string): PriorityTag {
  const trimmed = entry.trim()
  const opened = trimmed.indexOf('(')
  if (opened === -1 || !trimmed.endsWith(')')) return { canonical: trimmed.replace(/[()]/g, '').trim(), aliases: [] }
  const aliases = trimmed.slice(opened + 1, -1).split('|').map((alias) => alias.replace(/[()]/g, '').trim()).filter((alias) => alias !== '')
  return { canonical: trimmed.slice(0, opened).trim(), aliases: [...new Set(aliases)] }
}

/** The tag under which a model is filed: the first entry of which it bears the tag or an alias, else its first tag, else "". */
export function resolvePriorityTag (entries: readonly PriorityTag[], tags: readonly string[]): string {
  const own = new Set(tags.map((tag) => tag.toLowerCase()))
  const match = entries.find(({ canonical, aliases }) => [canonical, ...aliases].some((name) => own.has(name.toLowerCase())))
  return match?.canonical ?? tags[0] ?? ''
}
