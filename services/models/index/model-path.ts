import type { IndexedModel } from '../entry.ts'
import type { ModelType } from '../types.ts'

/** Weight extensions that names are written with, whatever the type scans. */
const USUAL_EXTENSIONS = ['.safetensors', '.ckpt', '.pt', '.bin']

const patterns = new Map<ModelType, RegExp>()

function extensionOf (type: ModelType): RegExp {
  let pattern = patterns.get(type)
  if (!pattern) {
    const extensions = [...new Set([...USUAL_EXTENSIONS, ...type.extensions])].map((extension) => extension.slice(1))
    pattern = new RegExp(`\\.(?:${extensions.join('|')})$`, 'i')
    patterns.set(type, pattern)
  }
  return pattern
}

/** A name without one weight extension. */
export const stripExtension = (name: string, type: ModelType): string => name.replace(extensionOf(type), '')

/** A name without all its weight extensions ("a.pt" of "a.pt.safetensors" is "a" as well). */
export function bareStem (name: string, type: ModelType): string {
  let stem = name
  if (!name.includes('.')) return name
  let shorter = stripExtension(stem, type)
  while (shorter !== stem) {
    stem = shorter
    shorter = stripExtension(stem, type)
  }
  return stem
}

/** The path, "" of a corrupt entry. */
export const filePathOf = (model: Pick<IndexedModel, 'file_path'>): string => typeof model.file_path === 'string' ? model.file_path : ''

/** Path relative to its root, with extension and `/`. */
export function relativePathOf (model: IndexedModel): string {
  const path = filePathOf(model)
  const base = path.slice(path.lastIndexOf('/') + 1)
  return model.folder === '' ? base : `${model.folder}/${base}`
}

const HIGH_SURROGATE = /[\ud800-\udbff]/

/** Length in characters rather than UTF-16 units. */
export function codePointCount (text: string): number {
  if (!HIGH_SURROGATE.test(text)) return text.length
  let count = text.length
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) === 0xd800) count--
  return count
}

/** Characters of the relative path, without making it. */
export function relativePathLength (model: Pick<IndexedModel, 'file_path' | 'folder'>): number {
  const path = filePathOf(model)
  const count = codePointCount(path.slice(path.lastIndexOf('/') + 1))
  return model.folder === '' ? count : count + 1 + codePointCount(model.folder)
}
