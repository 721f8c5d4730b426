import { InvalidInputError } from '../errors.ts'

/** URL prefix and page name of a model type. */
export type ModelPrefix = 'loras' | 'checkpoints' | 'embeddings'
/** Internal name of a model type, as it stands in frames, tables and settings. */
export type ModelTypeName = 'lora' | 'checkpoint' | 'embedding'
/** Key of a list of folders in the settings. */
export type FolderKey = 'loras' | 'checkpoints' | 'unet' | 'embeddings'

export interface ModelType {
  readonly prefix: ModelPrefix
  readonly name: ModelTypeName
  /** For people: "LoRA", "Checkpoint", "Embedding". */
  readonly label: string
  /** Lower-cased file extensions with the dot. */
  readonly extensions: readonly string[]
  /** Settings keys that hold this type's folders, in the order of the walk, each with the sub-type its models get. */
  readonly folders: readonly { readonly key: FolderKey, readonly subType: string | null }[]
  /** Whether the SHA-256 is computed as soon as a file is found (false: on demand, the files are large). */
  readonly hashEagerly: boolean
  /** `from_civitai` of a model that is found without a sidecar. */
  readonly fromCivitaiByDefault: boolean
  /** Sub-type where nothing else tells it. */
  readonly defaultSubType: string
  /** Sub-types that `model-types` lists; null lists all. */
  readonly listedSubTypes: readonly string[] | null
}

const TENSOR_EXTENSIONS = ['.ckpt', '.pt', '.pt2', '.bin', '.pth', '.safetensors', '.pkl', '.sft'] as const

/** The model types. A further type is one more row. */
export const modelTypes: readonly ModelType[] = [
  {
    prefix: 'loras',
    name: 'lora',
    label: 'LoRA',
    extensions: ['.safetensors'],
    folders: [{ key: 'loras', subType: null }],
    hashEagerly: true,
    fromCivitaiByDefault: true,
    defaultSubType: 'lora',
    listedSubTypes: ['lora', 'locon', 'dora']
  },
  {
    prefix: 'checkpoints',
    name: 'checkpoint',
    label: 'Checkpoint',
    extensions: [...TENSOR_EXTENSIONS, '.gguf'],
    folders: [{ key: 'checkpoints', subType: 'checkpoint' }, { key: 'unet', subType: 'diffusion_model' }],
    hashEagerly: false,
    fromCivitaiByDefault: false,
    defaultSubType: 'checkpoint',
    listedSubTypes: ['checkpoint', 'diffusion_model']
  },
  {
    prefix: 'embeddings',
    name: 'embedding',
    label: 'Embedding',
    extensions: TENSOR_EXTENSIONS,
    folders: [{ key: 'embeddings', subType: 'embedding' }],
    hashEagerly: true,
    fromCivitaiByDefault: true,
    defaultSubType: 'embedding',
    listedSubTypes: null
  }
]

export function modelTypeByName (name: string): ModelType {
  const found = modelTypes.find((type) => type.name === name)
  if (!found) throw new InvalidInputError(`Unknown model type "${name}"`)
  return found
}
