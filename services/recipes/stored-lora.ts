import { isObject } from '../models/read-value.ts'
import type { RecipeLoraEntry } from './schema.ts'

/** A LoRA as a recipe stores it, from one as an analysis answers it (recipes §12.1); odd values become the neutral ones. */
export function storedLora (given: unknown): RecipeLoraEntry | null {
  if (!isObject(given)) return null
  const { file_name: fileName, localPath, hash, weight, strength, id, modelVersionId, name, version } = given
  const baseModel = text(given.baseModel)
  return {
    file_name: text(fileName) || stemOf(text(localPath)),
    hash: text(hash).toLowerCase(),
    strength: number(weight ?? strength),
    modelVersionId: integer(id ?? modelVersionId),
    modelName: text(name ?? given.modelName),
    modelVersionName: text(version ?? given.modelVersionName),
    isDeleted: given.isDeleted === true,
    exclude: given.exclude === true,
    ...(baseModel !== '' && { baseModel })
  }
}

export function storedLoras (given: unknown): RecipeLoraEntry[] {
  return Array.isArray(given) ? given.map(storedLora).filter((entry) => entry !== null) : []
}

function text (value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** A whole number above 0, also as text; 0 for anything else. */
export function integer (value: unknown): number {
  const wanted = typeof value === 'string' && /^\s*\d{1,15}\s*$/.test(value) ? Number(value) : value
  return typeof wanted === 'number' && Number.isSafeInteger(wanted) && wanted > 0 ? wanted : 0
}

function number (value: unknown): number {
  const wanted = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof wanted === 'number' && Number.isFinite(wanted) ? wanted : 1
}

function stemOf (path: string): string {
  const name = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)
  const dot = name.lastIndexOf('.')
  return dot > 0 ? name.slice(0, dot) : name
}
