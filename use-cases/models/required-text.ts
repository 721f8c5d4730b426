import { InvalidInputError } from '../../services/errors.ts'
import { firstValue, type QueryValue } from '../../services/query-values.ts'

/** @throws InvalidInputError when the parameter is absent or blank */
export function requiredText (value: QueryValue, message: string): string {
  const text = firstValue(value)
  if (text === undefined || text.trim() === '') throw new InvalidInputError(message)
  return text
}
