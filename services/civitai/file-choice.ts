import { DIFFUSION_BASE_MODELS } from '../models/base-model-names.ts'
import type { CivitaiFileDocument, CivitaiVersionDocument } from './schema.ts'

/** Types of files that hold weights. */
export const weightTypes: ReadonlySet<string> = new Set(['Model', 'Pruned Model', 'Negative', 'UNet', 'Diffusion Model', 'Enhancement LoRA'])
/** Types that are never chosen unless asked for. */
export const neverChosen: ReadonlySet<string> = new Set(['Config', 'Archive', 'Workflow', 'Training Data'])

const kinds: Readonly<Record<string, 'checkpoint' | 'lora' | 'embedding'>> = { checkpoint: 'checkpoint', lora: 'lora', locon: 'lora', dora: 'lora', textualinversion: 'embedding' }

/** Our type of model for CivitAI's, null for those that are not supported. */
export function kindOfModelType (type: string | null | undefined): 'checkpoint' | 'lora' | 'embedding' | null {
  const key = type?.toLowerCase() ?? ''
  return Object.hasOwn(kinds, key) ? kinds[key] ?? null : null
}

/** Whether a checkpoint is a bare diffusion model and belongs under the `unet` roots. */
export function isDiffusionModel ({ baseModel, files = [] }: Pick<CivitaiVersionDocument, 'baseModel' | 'files'>): boolean {
  return DIFFUSION_BASE_MODELS.has(baseModel ?? '') || files.some(({ type }) => type === 'UNet' || type === 'Diffusion Model')
}

type Files = readonly CivitaiFileDocument[]
const isWeight = ({ type }: CivitaiFileDocument): boolean => weightTypes.has(type ?? '')

/** The file marked primary among those that hold weights. */
export function primaryWeightFile (files: Files): CivitaiFileDocument | null {
  return files.find((file) => file.primary === true && isWeight(file)) ?? null
}

/** The file to download when nobody chose one. */
export function defaultFile (files: Files): CivitaiFileDocument | null {
  return primaryWeightFile(files) ?? files.find(isWeight) ?? files.find(({ primary, type }) => primary === true && !neverChosen.has(type ?? '')) ?? null
}

/** How a client names a file of a version: `file_params` of a download. */
export interface FileParams { id?: unknown, isPrimary?: unknown, type?: unknown, format?: unknown, size?: unknown, fp?: unknown, metadata?: unknown }

/** The file that the parameters mean, null when they mean none. */
export function chosenFile (files: Files, params: FileParams): CivitaiFileDocument | null {
  if (params.id !== undefined && params.id !== null && params.id !== '') return files.find(({ id }) => String(id) === String(params.id)) ?? null
  if (params.isPrimary === true) return primaryWeightFile(files)
  const type = textOf(params.type) ?? 'Model'
  return files.find((file) => file.type === type && ['format', 'size', 'fp'].every((key) => {
    const wanted = facetOf(params, key)
    const has = facetOf(file, key)
    return key === 'format' ? wanted === has : wanted === null || has === null || wanted === has
  })) ?? null
}

/** The file with this SHA-256. */
export function fileWithHash (files: Files, sha256: string): CivitaiFileDocument | null {
  return files.find((file) => sha256Of(file) === sha256.toLowerCase()) ?? null
}

/** Lower-case SHA-256 of a file, null when it is missing or none. */
export function sha256Of ({ hashes }: Pick<CivitaiFileDocument, 'hashes'>): string | null {
  const hash = hashes?.SHA256?.toLowerCase()
  return hash !== undefined && /^[0-9a-f]{64}$/.test(hash) ? hash : null
}

/** `format`, `size` or `fp` of a file or of parameters, from `metadata` or the top. */
function facetOf (source: object, key: string): string | null {
  const record = source as Record<string, unknown>
  const metadata = record.metadata
  const inner: unknown = typeof metadata === 'object' && metadata !== null ? (metadata as Record<string, unknown>)[key] : undefined
  return textOf(inner) ?? textOf(record[key])
}

const textOf = (value: unknown): string | null => typeof value === 'string' && value !== '' ? value : null
