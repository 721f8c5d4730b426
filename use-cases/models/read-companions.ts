import { InvalidInputError } from '../../services/errors.ts'
import { listExampleFiles, type ExampleFile } from '../../services/models/example-files.ts'
import { readTrainedWords, type TrainedWords } from '../../services/models/trained-words.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import type { RawQuery } from './parse-list-query.ts'
import { requiredText } from './required-text.ts'
import { withinLibrary } from './within-library.ts'

interface Deps { libraries: readonly Pick<ModelLibrary, 'contain'>[] }

/** What the training wrote into the header of the file. */
export const getTrainedWords = ({ libraries }: Deps) => async (query: RawQuery): Promise<TrainedWords> => {
  const path = withinLibrary(libraries, requiredText(query.file_path, 'Missing file_path parameter'))
  if (!path.toLowerCase().endsWith('.safetensors')) throw new InvalidInputError('File must be a safetensors file')
  return await readTrainedWords(path)
}

/** `<stem>.example.<n>` files beside a model. */
export const getExampleFiles = ({ libraries }: Deps) => async (query: RawQuery): Promise<ExampleFile[]> =>
  await listExampleFiles(withinLibrary(libraries, requiredText(query.model_path, 'Missing model_path parameter')))
