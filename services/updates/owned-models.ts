import type { ModelLibrary } from '../models/ports.ts'
import type { OwnedModels } from './types.ts'

/** What the libraries hold now, told from their indexes alone. */
export function createOwnedModels (libraries: () => readonly ModelLibrary[]): OwnedModels {
  return (modelId) => libraries().flatMap(({ index }) => index.byModelId(modelId)).filter(({ civitai }) => civitai?.id !== undefined)
}
