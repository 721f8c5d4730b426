import type { ModelLibrary } from '../../services/models/ports.ts'
import { createListQueryReader, type RawQuery } from './parse-list-query.ts'

/** One page of models as complete JSON; synchronous, since the index holds its items serialised. */
export const listModels = ({ library }: { library: ModelLibrary }): (query: RawQuery) => Buffer => {
  const read = createListQueryReader(library.type)
  return (query) => library.index.list(read(query)).body
}

export const listExcludedModels = ({ library }: { library: ModelLibrary }): (query: RawQuery) => Buffer => {
  const read = createListQueryReader(library.type)
  return (query) => library.index.listExcluded(read(query)).body
}
