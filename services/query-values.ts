import { InvalidInputError } from './errors.ts'

/** The one strict reader of query strings: what clients send is text, or a list of texts when a key is repeated. */
export type QueryValue = string | readonly string[] | undefined

/** The first value of a repeated key wins. */
export function firstValue (value: QueryValue): string | undefined {
  return typeof value === 'string' || value === undefined ? value : value[0]
}

export function listValues (value: QueryValue): string[] {
  if (value === undefined) return []
  return typeof value === 'string' ? [value] : [...value]
}

/** `true` in any case; anything else is false, also `1`. */
export function legacyBoolean (value: QueryValue, fallback = false): boolean {
  const text = firstValue(value)
  return text === undefined ? fallback : text.toLowerCase() === 'true'
}

/** The wider form that a few routes know: `1`, `true`, `yes`, `on`. */
export function looseBoolean (value: QueryValue, fallback = false): boolean {
  const text = firstValue(value)
  return text === undefined ? fallback : ['1', 'true', 'yes', 'on'].includes(text.trim().toLowerCase())
}

/**
 * A base-10 integer; numbers beyond the safe range become its ends, so that a clamp still works.
 * @throws InvalidInputError for anything else, naming the parameter
 */
export function strictInteger (name: string, value: QueryValue): number {
  const text = firstValue(value)?.trim() ?? ''
  if (!/^[+-]?\d+$/.test(text)) throw new InvalidInputError(`"${name}" must be an integer`)
  return clamp(Number(text), Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
}

/** Like `strictInteger`, with a value for an absent key. */
export function integerOr (name: string, value: QueryValue, fallback: number): number {
  return firstValue(value) === undefined ? fallback : strictInteger(name, value)
}

/** The id of something: a positive integer, also as text; null for anything else. */
export function positiveId (value: unknown): number | null {
  const id = typeof value === 'string' && /^\s*\d{1,15}\s*$/.test(value) ? Number(value) : value
  return typeof id === 'number' && Number.isSafeInteger(id) && id > 0 ? id : null
}

export function clamp (value: number, lowest: number, highest: number): number {
  return Math.min(Math.max(value, lowest), highest)
}
