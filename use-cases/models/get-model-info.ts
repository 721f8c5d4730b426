import { NotFoundError } from '../../services/errors.ts'
import type { ModelEntry } from '../../services/models/entry.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import { cacheEntry } from './cache-entry.ts'

export const getModelInfo = ({ library }: { library: ModelLibrary }) => (name: string): ModelEntry => {
  const model = library.index.lookup(name)
  if (!model) throw new NotFoundError(`${library.type.label} not found`)
  return cacheEntry(model)
}
