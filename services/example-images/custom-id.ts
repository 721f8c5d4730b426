import { randomInt } from 'node:crypto'
import { InvalidInputError } from '../errors.ts'

const ID_LENGTH = 8
const ID_LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** An id of a custom image that nobody has; it counts as taken from then on. */
export function freshId (taken: Set<string>): string {
  for (;;) {
    const id = Array.from({ length: ID_LENGTH }, () => ID_LETTERS[randomInt(ID_LETTERS.length)]).join('')
    if (taken.has(id)) continue
    taken.add(id)
    return id
  }
}

/** @throws InvalidInputError for what can't be the id of a custom image */
export function readCustomId (value: unknown): string {
  if (typeof value !== 'string' || !/^[A-Za-z0-9_-]{1,64}$/.test(value)) throw new InvalidInputError('"short_id" must be the id of a custom image', 'custom-id-invalid')
  return value
}
