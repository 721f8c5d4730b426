import type { MetadataText } from '../../images/metadata-types.ts'

/** Keys of generation parameters that recipes keep (recipes §1.5), and the scheduler beside them. */
export const genParamKeys = ['prompt', 'negative_prompt', 'steps', 'sampler', 'scheduler', 'cfg_scale', 'seed', 'size', 'clip_skip', 'denoising_strength'] as const
export type GenParamKey = typeof genParamKeys[number]
/** Never null; a seed beyond 2^53 is its decimal text, `size` is `WxH`. */
export type GenParams = Partial<Record<GenParamKey, string | number>>

/** Generators, as `tool` of a result. A parser of a further one adds its name. */
export type Tool =
  | 'recipe' | 'comfyui' | 'a1111' | 'forge' | 'reforge' | 'easy-reforge' | 'forge-classic' | 'forge-neo' | 'sd-next' | 'civitai' | 'meta' | 'swarmui'
  | 'fooocus' | 'fooocus-mre' | 'ruined-fooocus' | 'invokeai' | 'novelai' | 'draw-things' | 'easy-diffusion' | 'stability-matrix' | 'tensorart' | 'hf-space' | 'plain'

/** Which flag a result bears, besides the five of the contract one for everything else. */
export type SourceFlag =
  | 'from_recipe_metadata' | 'from_comfy_metadata' | 'from_automatic_metadata' | 'from_meta_format' | 'from_sui_image_params' | 'from_civitai_image' | 'from_generator_metadata'

/** How an image names a model. Nothing of it was looked up. */
export interface ParsedModel {
  /** For people: the model's name where it is given, else the stem of the file. */
  name: string
  /** As the image gives it, with folders but without the extension of the weights; "" when it names no file. */
  fileName: string
  /** Lower-case hex (10 AutoV2, 12 AutoV3, 64 SHA-256, others as given), "" when none. */
  hash: string
  /** CivitAI's, 0 when none. */
  versionId: number
  modelId: number
  versionName: string
  baseModel: string
  /** `lora`, `lycoris`, `locon`, `dora`, `hypernet`; of checkpoints `checkpoint` or, where it is known, `diffusion_model`. */
  type: string
}

export interface ParsedLora extends ParsedModel {
  strength: number
  /** Where the strength stood: in the prompt, beside the LoRA, or nowhere (then it is 1). */
  strengthFrom: 'tag' | 'entry' | 'default'
  clipStrength?: number
  /** Another entry may name the same LoRA by other means, so this one counts only when it is found and differs. */
  onlyIfFound?: true
}

export interface ParsedEmbedding { name: string, hash: string, versionId: number }

/** CivitAI version ids and hashes whose kind nothing tells: whoever looks them up decides whether they are LoRAs or the checkpoint. */
export interface ParsedUnknownVersion { versionId: number, strength: number }

export interface ParsedHires { scale?: number, upscaler?: string, steps?: number, denoise?: number }

/** What an image says of its making. */
export interface ParsedImage {
  tool: Tool
  flag: SourceFlag
  genParams: GenParams
  loras: ParsedLora[]
  checkpoint: ParsedModel | null
  /** As given, null when nothing names it. */
  baseModel: string | null
  embeddings: ParsedEmbedding[]
  unknownVersions: ParsedUnknownVersion[]
  hires: ParsedHires | null
  /** Whether a ComfyUI workflow (UI graph) came along. */
  hasWorkflow: boolean
  /** Only recipes have these. */
  title?: string
  tags?: string[]
  /** Every pair of the text as given; only of formats that are made of pairs. */
  raw: Record<string, string>
  /** What was read from a source less sure than usual, and what was lost, for people. */
  warnings: string[]
}

/** All that is known of one image, with what parsers ask for over and over. */
export interface Evidence {
  texts: readonly MetadataText[]
  /** Pixels of the file, 0 when unknown. */
  width: number
  height: number
  /** First non-empty text with this keyword, spelled exactly so. */
  text (keyword: string): string | undefined
  /** The text as JSON, parsed once: big integers as decimal text, NaN and Infinity as null; undefined when it is none or too deep. */
  json (text: string): unknown
  /** Texts that may hold whole metadata whatever their keyword, the most trusted first. */
  candidates (): readonly string[]
}

/** One format. A new one is a file and a line of the registry. */
export interface MetadataParser {
  readonly name: string
  /** Null when the image doesn't speak this format. May throw: whoever asks goes on with the next parser. */
  parse (evidence: Evidence): ParsedImage | null
}
