import { typeNamed } from '../../services/downloads/version-history.ts'
import { InvalidInputError } from '../../services/errors.ts'
import type { ModelTypeName } from '../../services/models/types.ts'

/** Parameters of a query, or members of a JSON body: clients send either. */
export type Parameters = Record<string, unknown>

const LONGEST = 4096

const given = (value: unknown): boolean => value !== undefined && value !== null && value !== ''

/** An id of CivitAI, undefined when it is absent. @throws InvalidInputError */
export function readId (parameters: Parameters, name: string): number | undefined {
  const value = parameters[name]
  if (!given(value)) return undefined
  const id = typeof value === 'string' && /^\s*\d{1,15}\s*$/.test(value) ? Number(value) : value
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 1) throw new InvalidInputError(`Parameter ${name} must be an integer`)
  return id
}

/** @throws InvalidInputError */
export function requiredId (parameters: Parameters, name: string): number {
  const id = readId(parameters, name)
  if (id === undefined) throw new InvalidInputError(`Missing required parameter: ${name}`)
  return id
}

/** A type by any of its names. @throws InvalidInputError */
export function requiredType (parameters: Parameters): ModelTypeName {
  const { modelType } = parameters
  if (!given(modelType)) throw new InvalidInputError('Parameter modelType is required')
  const type = typeof modelType === 'string' ? typeNamed(modelType) : undefined
  if (type === undefined) throw new InvalidInputError('Parameter modelType must be lora, checkpoint or embedding')
  return type
}

const words: Readonly<Record<string, boolean>> = { true: true, 1: true, false: false, 0: false }

/** @throws InvalidInputError */
export function requiredFlag (parameters: Parameters, name: string): boolean {
  const value = String(parameters[name] ?? '').trim().toLowerCase()
  const flag = Object.hasOwn(words, value) ? words[value] : undefined
  if (flag === undefined) throw new InvalidInputError(`Parameter ${name} must be true or false`)
  return flag
}

/** Null when it is absent. @throws InvalidInputError */
export function readText (parameters: Parameters, name: string): string | null {
  const value = parameters[name]
  if (!given(value)) return null
  if (typeof value !== 'string' || value.length > LONGEST) throw new InvalidInputError(`Parameter ${name} must be text`)
  return value
}

/** Ids of a comma list in their order, each once; what is none is passed over. */
export function listedIds (value: unknown, most: number): number[] {
  const ids = String(value ?? '').split(',', most * 10).flatMap((text) => /^\s*\d{1,15}\s*$/.test(text) ? Number(text) : [])
  return [...new Set(ids)].slice(0, most)
}
