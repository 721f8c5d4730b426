import { isObject } from '../../models/read-value.ts'

/** Readers of single values. Each answers undefined for what it can't use: one bad value costs its field, never the record. */

export type Fields = Readonly<Record<string, unknown>>

/** Texts that stand for "not set" where a name is expected. */
const unset: ReadonlySet<string> = new Set(['', 'none', 'null', 'undefined', 'choose', 'default (model)', '@none', '@default', 'automatic', 'use same choices'])
const MAX_PROMPT = 256 * 1024

export function numberIn (value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  if (typeof value !== 'string' || value.length > 40) return undefined
  const text = value.trim()
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?$/i.test(text) && Number.isFinite(Number(text)) ? Number(text) : undefined
}

/** A whole number; steps of 20.0 are 20. */
export function integerIn (value: unknown): number | undefined {
  const number = numberIn(value)
  return number !== undefined && Number.isInteger(number) ? number : undefined
}

/** Beyond 2^53 the decimal text; negative ones only ask for a random seed. */
export function seedIn (value: unknown): number | string | undefined {
  if (typeof value === 'number') return Number.isInteger(value) && value >= 0 ? value : undefined
  if (typeof value !== 'string') return undefined
  const text = value.trim()
  if (!/^\d{1,20}$/.test(text)) return undefined
  return Number.isSafeInteger(Number(text)) ? Number(text) : text
}

/** A name, undefined where the text says that none is set. */
export function nameIn (value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const text = value.trim()
  return unset.has(text.toLowerCase()) ? undefined : text
}

/** Prompts may be empty; white space around them means nothing. */
export function promptIn (value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, MAX_PROMPT).trim() : undefined
}

/** Lower-case hex; prefixes that name the kind are dropped, hashes of other kinds than SHA are not ours to compare. */
export function hashIn (value: unknown): string {
  if (typeof value !== 'string') return ''
  const hash = value.trim().toLowerCase().replace(/^(?:sha256:|0x)/, '')
  return /^[0-9a-f]{8,64}$/.test(hash) ? hash : ''
}

export function idIn (value: unknown): number {
  const id = integerIn(value)
  return id !== undefined && id > 0 && Number.isSafeInteger(id) ? id : 0
}

export function sizeOf (width: unknown, height: unknown): string | undefined {
  const [w, h] = [integerIn(width), integerIn(height)]
  return w !== undefined && h !== undefined && w > 0 && h > 0 ? `${w}x${h}` : undefined
}

/** `832x1216`, `1024 x 1024`, `(768, 1280)`. */
export function sizeIn (value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > 40) return undefined
  const [, width, height] = /^\s*\(?\s*(\d{1,6})\s*[x×,]\s*(\d{1,6})\s*\)?\s*$/i.exec(value) ?? []
  return sizeOf(width, height)
}

export function listIn (value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

export function fieldsIn (value: unknown): Fields {
  return isObject(value) ? value : {}
}

/** Fields of a JSON text, or of the object itself. */
export function fieldsOfText (value: unknown, json: (text: string) => unknown): Fields | undefined {
  const read = typeof value === 'string' ? json(value) : value
  return isObject(read) ? read : undefined
}
