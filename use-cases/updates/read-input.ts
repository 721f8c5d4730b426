import { firstValue, looseBoolean, positiveId, type QueryValue } from '../../services/query-values.ts'

/** The ids of a list, each once and in order; what is none is left out. Null when no list was given: then all models are meant. */
export function readIds (value: unknown): number[] | null {
  if (value === undefined || value === null) return null
  const ids = (Array.isArray(value) ? value : [value]).map(positiveId)
  return [...new Set(ids.filter((id) => id !== null))]
}

/** `true`, a number that is not 0, or one of the words `1`, `true`, `yes`, `on`. */
export function readFlag (value: unknown): boolean {
  if (typeof value === 'string' || Array.isArray(value)) return looseBoolean(firstValue(value as QueryValue))
  return value === true || (typeof value === 'number' && value !== 0)
}
