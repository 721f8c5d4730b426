import type { Readable } from 'node:stream'
import { DomainError, InvalidInputError } from '../../services/errors.ts'
import type { ImportOutcome } from '../../services/example-images/custom-images.ts'
import type { ExampleImages } from '../../services/example-images/example-images.ts'
import type { IncomingFile } from '../../services/example-images/incoming.ts'
import { readModelHash } from '../../services/example-images/model-hash.ts'
import type { ExamplePlace } from '../../services/example-images/places.ts'

/** A part of an upload as it comes in; a file has to be read before the next part comes. */
export type ImportPart = { name: string, value: unknown } | { name: string, fileName: string, content: Readable & { truncated?: boolean } }

type ImportDeps = Pick<ExampleImages, 'places' | 'customImages' | 'incoming' | 'importSources'>

export interface ImportAnswer extends ImportOutcome { success: boolean, message: string, error?: string }

export const MOST_BYTES = 1024 ** 3
const MOST_PATHS = 1000

/**
 * Takes in the files of a form as custom images of a model. A hash that comes first is judged before a byte is laid down.
 * @throws InvalidInputError, ExampleImagesUnavailableError, NotFoundError, DomainError `too-large`; then nothing stays of it
 */
export const importUpload = ({ places, customImages, incoming }: ImportDeps) => async (parts: AsyncIterable<ImportPart>): Promise<ImportAnswer> => {
  const files: IncomingFile[] = []
  const tooLarge: string[] = []
  let place: ExamplePlace | undefined
  let hash: string | undefined
  let first = true
  try {
    for await (const part of parts) {
      if ('value' in part) {
        if (part.name === 'model_hash' && hash === undefined) customImages.require(hash = readModelHash(part.value))
      } else if (first || part.name === 'files') {
        place ??= places.required()
        const file = await incoming.keep(place, part.fileName, part.content)
        if (part.content.truncated) {
          await incoming.remove([file])
          tooLarge.push(`${part.fileName}: larger than 1 GB`)
        } else {
          files.push(file)
        }
      } else {
        part.content.resume()
      }
      first = false
    }
    const wanted = hash ?? readModelHash(undefined)
    if (files.length + tooLarge.length === 0) throw new InvalidInputError('No files provided for import', 'files-missing')
    if (files.length === 0) throw new DomainError('too-large', 'upload-too-large', tooLarge.join('; '))
    return answerOf(await customImages.add(place ?? places.required(), wanted, files), tooLarge)
  } finally {
    await incoming.remove(files)
  }
}

/**
 * The same for files on this machine, which must lie in a model folder, the recipe folder or among the example images.
 * @throws InvalidInputError, ExampleImagesUnavailableError, NotFoundError
 */
export const importPaths = ({ places, customImages, incoming, importSources }: ImportDeps) => async ({ model_hash: given, file_paths: paths }: { model_hash?: unknown, file_paths?: unknown }): Promise<ImportAnswer> => {
  const hash = readModelHash(given)
  if (!Array.isArray(paths) || paths.length === 0) throw new InvalidInputError('No files provided for import', 'files-missing')
  if (paths.length > MOST_PATHS) throw new InvalidInputError(`At most ${MOST_PATHS} files are taken in at once`, 'too-many-files')
  const place = places.required()
  customImages.require(hash)
  const found = await importSources.read(paths, MOST_BYTES)
  const files: IncomingFile[] = []
  try {
    for (const { path, name } of found.files) files.push({ ...await incoming.copy(place, path), name })
    return answerOf(await customImages.add(place, hash, files), found.errors)
  } finally {
    await incoming.remove(files)
  }
}

function answerOf (outcome: ImportOutcome, earlier: readonly string[]): ImportAnswer {
  const errors = [...earlier, ...outcome.errors]
  const count = outcome.files.length
  const success = count > 0
  const message = success ? `Successfully imported ${count} file${count === 1 ? '' : 's'}` : 'No file was imported'
  return { success, message, ...(!success && { error: errors.join('; ') }), ...outcome, errors }
}
