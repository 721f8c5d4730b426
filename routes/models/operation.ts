import type { ModelType } from '../../services/models/types.ts'

/** `list` + `Loras`, and the tag under which the operation stands in the document. */
export interface OperationNames {
  tags: string[]
  /** Unique operation id, e.g. `listLoras`. */
  id (verb: string, rest?: string): string
  /** The type's models in a sentence, e.g. "LoRAs". */
  plural: string
  /** Address below the type's prefix. */
  url (path: string): string
}

export function operationNames (type: ModelType): OperationNames {
  const plural = type.prefix[0]?.toUpperCase() + type.prefix.slice(1)
  return {
    tags: [type.prefix],
    id: (verb, rest = '') => `${verb}${plural}${rest}`,
    plural: `${type.label}s`,
    url: (path) => `/api/lm/${type.prefix}/${path}`
  }
}
