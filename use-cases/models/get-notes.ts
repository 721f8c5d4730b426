import { NotFoundError } from '../../services/errors.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import type { RawQuery } from './parse-list-query.ts'
import { requiredText } from './required-text.ts'

export const getNotes = ({ library }: { library: ModelLibrary }) => (query: RawQuery): { notes: string, file_path: string } => {
  const { label } = library.type
  const model = library.index.lookup(requiredText(query.name, `${label} file name is required`))
  if (!model) throw new NotFoundError(`${label} not found`)
  return { notes: model.notes, file_path: model.file_path }
}
