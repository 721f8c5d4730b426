import type { ModelLibrary } from '../../services/models/ports.ts'
import { createListQueryReader, type RawQuery } from './parse-list-query.ts'

/**
 * One page of models as complete JSON; synchronous, since the index holds its items serialised.
 * `spelling` is a text that no two different queries share, such as the address that was asked for.
 */
export const listModels = ({ library }: { library: ModelLibrary }): (query: RawQuery, spelling: string) => Buffer => {
  const read = createListQueryReader(library.type)
  return (query, spelling) => library.index.list(read(query, spelling)).body
}

export const listExcludedModels = ({ library }: { library: ModelLibrary }): (query: RawQuery, spelling: string) => Buffer => {
  const read = createListQueryReader(library.type)
  return (query, spelling) => library.index.listExcluded(read(query, spelling)).body
}
