import type { ModelLibrary } from '../../services/models/ports.ts'
import type { ProgressHub } from '../../services/progress/types.ts'
import type { RawQuery } from './parse-list-query.ts'
import { requiredText } from './required-text.ts'

interface Deps { library: ModelLibrary, hub: Pick<ProgressHub, 'broadcast'> }

/** A node of a graph; a bare id means the top graph. */
export type NodeReference = string | number | { node_id: string | number, graph_id?: string | number | null }

const wordsOf = (library: ModelLibrary, name: string): string[] => library.index.lookup(name)?.civitai?.trainedWords ?? []

export const getTriggerWords = ({ library }: Pick<Deps, 'library'>) => (query: RawQuery): string[] =>
  wordsOf(library, requiredText(query.name, 'Lora file name is required'))

/** Numbers stay numbers for the host, also when they come as text. */
const numericId = (id: string | number): string | number => typeof id === 'string' && /^\d+$/.test(id) ? Number(id) : id

/** Sends the joined trigger words of several LoRAs to nodes of a graph, and answers them for bridges that relay themselves. */
export const sendTriggerWords = ({ library, hub }: Deps) => (input: { lora_names?: string[], node_ids?: NodeReference[] }): string => {
  const message = (input.lora_names ?? []).flatMap((name) => wordsOf(library, name)).join(',, ')
  for (const reference of input.node_ids ?? []) {
    const node = typeof reference === 'object' ? reference : { node_id: reference }
    const graph = node.graph_id === undefined || node.graph_id === null ? {} : { graph_id: String(node.graph_id) }
    hub.broadcast('fetch', { type: 'trigger_word_update', id: numericId(node.node_id), message, ...graph })
  }
  return message
}
