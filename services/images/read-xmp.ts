import type { MetadataCollector } from './metadata-collector.ts'

/** Properties that generators write, by their local name, each with the keyword it is kept under. */
const properties: ReadonlyMap<string, string> = new Map([
  ['CreatorTool', 'xmp:CreatorTool'], ['description', 'dc:description'], ['UserComment', 'exif:UserComment'], ['title', 'dc:title'],
  ['parameters', 'parameters'], ['prompt', 'prompt'], ['workflow', 'workflow']
])
const MAX_TAGS = 20_000

/**
 * Properties of an XMP packet, whether they are attributes or elements (then the text of their first `rdf:li`).
 * A scanner of tags rather than a parser of XML: it knows no DTD and no entity but the five and character references.
 */
export function readXmp (packet: string, collector: MetadataCollector): void {
  let open: { keyword: string, name: string, text: string } | null = null
  let textStart = 0
  for (let at = packet.indexOf('<'), tags = 0; at >= 0 && tags < MAX_TAGS; at = packet.indexOf('<', textStart), tags++) {
    if (open) open.text += packet.slice(textStart, at)
    const skipped = skipSpecial(packet, at)
    if (skipped !== null) {
      if (open && packet.startsWith('<![CDATA[', at)) open.text += escapeOnce(packet.slice(at + 9, Math.max(at + 9, skipped - 3)))
      textStart = skipped
      continue
    }
    const end = tagEnd(packet, at)
    if (end < 0) return
    const tag = packet.slice(at + 1, end)
    textStart = end + 1
    const name = /^\/?[\w:.-]+/.exec(tag)?.[0] ?? ''
    if (open && name === `/${open.name}`) {
      collector.add('xmp', open.keyword, decodeEntities(open.text.trim()))
      open = null
    } else if (!name.startsWith('/')) {
      readAttributes(tag.slice(name.length), collector)
      const keyword = properties.get(localName(name))
      if (!open && keyword !== undefined && !tag.endsWith('/')) open = { keyword, name, text: '' }
    }
  }
}

/** End of a comment, CDATA section, declaration or processing instruction at `at`; null when an element starts there. */
function skipSpecial (packet: string, at: number): number | null {
  const closing = packet.startsWith('<!--', at) ? '-->' : packet.startsWith('<![CDATA[', at) ? ']]>' : packet[at + 1] === '?' ? '?>' : packet[at + 1] === '!' ? '>' : null
  if (closing === null) return null
  const end = packet.indexOf(closing, at)
  return end < 0 ? packet.length : end + closing.length
}

/** Position of the `>` of a tag, none inside quotes. */
function tagEnd (packet: string, at: number): number {
  let quote = ''
  for (let position = at; position < packet.length; position++) {
    const character = packet.charAt(position)
    if (quote !== '') {
      if (character === quote) quote = ''
    } else if (character === '"' || character === "'") quote = character
    else if (character === '>') return position
  }
  return -1
}

/** Longest name of an attribute that is looked at. */
const MAX_NAME = 64

function readAttributes (text: string, collector: MetadataCollector): void {
  for (let equals = text.indexOf('='), from = 0; equals >= 0; equals = text.indexOf('=', from)) {
    const quote = text.charAt(equals + 1)
    const end = quote === '"' || quote === "'" ? text.indexOf(quote, equals + 2) : equals + 1
    if (end < 0) return
    const name = /[\w:.-]+$/.exec(text.slice(Math.max(from, equals - MAX_NAME), equals))?.[0] ?? ''
    const keyword = properties.get(localName(name))
    if (keyword !== undefined) collector.add('xmp', keyword, decodeEntities(text.slice(equals + 2, end)))
    from = end + 1
  }
}

const localName = (name: string): string => name.slice(name.indexOf(':') + 1)

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

/** Exactly once: `&amp;lt;` is `&lt;`. */
function decodeEntities (text: string): string {
  return text.replaceAll(/&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|(lt|gt|amp|quot|apos));/g, (whole, hex: string | undefined, decimal: string | undefined, name: string | undefined) => {
    if (name !== undefined) return entities[name] ?? whole
    const code = hex !== undefined ? Number.parseInt(hex, 16) : Number(decimal)
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })
}

/** CDATA is text as it stands, and is decoded with the rest. */
const escapeOnce = (text: string): string => text.replaceAll('&', '&amp;')
