import type { ModelLibrary } from '../../services/models/ports.ts'
import { parseListQuery, type RawQuery } from './parse-list-query.ts'

/** One page of models as complete JSON; synchronous, since the index holds its items serialised. */
export const listModels = ({ library }: { library: ModelLibrary }) => (query: RawQuery): Buffer =>
  library.index.list(parseListQuery(query, library.type)).body

export const listExcludedModels = ({ library }: { library: ModelLibrary }) => (query: RawQuery): Buffer =>
  library.index.listExcluded(parseListQuery(query, library.type)).body
