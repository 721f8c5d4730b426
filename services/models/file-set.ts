import { modelTypes } from './types.ts'
import { PREVIEW_EXTENSIONS } from './preview-file.ts'

/** The files in one folder that belong to one model, as base names. */
export interface FileSet {
  main: string
  sidecar: string | null
  /** `.metadata.json.bak` and its dated kin. */
  sidecarBackups: string[]
  /** The older information file of other programs. */
  info: string | null
  /** Previews in every form, whatever the case of their extension. */
  previews: string[]
  /** `<stem>.example.<n>.*` images beside the model. */
  examples: string[]
  /** Files of other programs that begin with `<stem>.` and belong to no other model. */
  others: string[]
}

const WEIGHT_EXTENSIONS = new Set(modelTypes.flatMap((type) => type.extensions))

/** Base name without its last extension: what companions of a model begin with. */
export function stemOf (fileName: string): string {
  const dot = fileName.lastIndexOf('.')
  return dot <= 0 ? fileName : fileName.slice(0, dot)
}

export function isWeightFile (fileName: string): boolean {
  const dot = fileName.lastIndexOf('.')
  return dot > 0 && WEIGHT_EXTENSIONS.has(fileName.slice(dot).toLowerCase())
}

/**
 * Finds what belongs to a model among the names of its folder. A file goes to the model with the longest stem
 * that it begins with, so `model.v2.metadata.json` is never taken along with `model.safetensors`.
 * Two weight files with one stem share their companions: then none is taken, they stay with the other.
 */
export function fileSet (main: string, namesInFolder: readonly string[]): FileSet {
  const stem = stemOf(main)
  const set: FileSet = { main, sidecar: null, sidecarBackups: [], info: null, previews: [], examples: [], others: [] }
  const prefix = `${stem}.`
  const candidates = namesInFolder.filter((name) => name !== main && name.startsWith(prefix))
  if (candidates.some((name) => isWeightFile(name) && stemOf(name) === stem)) return set
  const longerStems = candidates.filter(isWeightFile).map((name) => `${stemOf(name)}.`)
  for (const name of candidates) {
    if (isWeightFile(name) || longerStems.some((longer) => name.startsWith(longer))) continue
    place(set, name, name.slice(stem.length))
  }
  return set
}

function place (set: FileSet, name: string, rest: string): void {
  const lower = rest.toLowerCase()
  if (rest === '.metadata.json') set.sidecar = name
  else if (rest.startsWith('.metadata.json.bak')) set.sidecarBackups.push(name)
  else if (lower === '.civitai.info') set.info = name
  else if (PREVIEW_EXTENSIONS.includes(lower)) set.previews.push(name)
  else if (lower.startsWith('.example.')) set.examples.push(name)
  else set.others.push(name)
}

/** Every name of the set but the model file itself, the sidecar last (it is the set's statement of where it lies). */
export function companions (set: FileSet): string[] {
  const { previews, examples, info, sidecarBackups, others, sidecar } = set
  return [...previews, ...examples, ...(info === null ? [] : [info]), ...sidecarBackups, ...others, ...(sidecar === null ? [] : [sidecar])]
}
