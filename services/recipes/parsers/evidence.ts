import { graphsOf } from '../../images/embedded-texts.ts'
import { carriers, type ImageMetadata, type MetadataText } from '../../images/metadata-types.ts'
import { parseMetadataJson } from '../../images/metadata-json.ts'
import type { Evidence } from './types.ts'

/** Keywords whose texts are whole metadata, before all others of a carrier. */
const leading: ReadonlySet<string> = new Set(['parameters', 'usercomment', 'comment', 'comf', 'prompt', 'workflow'])
/** Texts of which no parser can make anything. */
const MAX_CANDIDATES = 64

/** What parsers ask of one image; every text is parsed as JSON at most once. */
export function createEvidence ({ texts, width, height }: Pick<ImageMetadata, 'texts' | 'width' | 'height'>): Evidence {
  const parsed = new Map<string, unknown>()
  const json = (text: string): unknown => {
    if (!parsed.has(text)) parsed.set(text, parseMetadataJson(text))
    return parsed.get(text)
  }
  let candidates: readonly string[] | undefined
  return {
    texts,
    width: width ?? 0,
    height: height ?? 0,
    text: (keyword) => texts.find((text) => text.keyword === keyword)?.text,
    json,
    candidates () {
      candidates ??= candidatesOf(texts)
      return candidates
    }
  }
}

function candidatesOf (texts: readonly MetadataText[]): string[] {
  const rank = ({ carrier, keyword }: MetadataText): number => carriers.indexOf(carrier) * 2 + (leading.has(keyword.toLowerCase()) ? 0 : 1)
  const ordered = [...texts].sort((a, b) => rank(a) - rank(b)).slice(0, MAX_CANDIDATES)
  const found = new Set<string>()
  for (const { text } of ordered) {
    const graphs = graphsOf(text)
    if (graphs) for (const graph of [graphs.prompt, graphs.workflow]) if (graph !== null) found.add(graph)
    found.add(text)
  }
  return [...found]
}
