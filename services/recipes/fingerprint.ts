import { codePointOrder } from '../models/natural-key.ts'
import { floatText, readNumber } from './float-text.ts'

/**
 * Which LoRAs at which strengths a recipe uses, as text that is equal for equal sets (recipes §3). Takes entries as they are stored
 * and as parsers make them (`weight` for `strength`, `id` for `modelVersionId`).
 */
export function fingerprint (loras: readonly Record<string, unknown>[]): string {
  const pairs = loras.flatMap((entry) => {
    const key = entry.exclude ? '' : keyOf(entry)
    return key === '' ? [] : [{ key, order: codePointOrder(key), weight: weightOf(entry) }]
  })
  pairs.sort((a, b) => a.order < b.order ? -1 : a.order > b.order ? 1 : a.weight - b.weight)
  return pairs.map(({ key, weight }) => `${key}:${floatText(weight)}`).join('|')
}

function keyOf ({ hash, modelVersionId, id }: Record<string, unknown>): string {
  const text = hash === null || hash === undefined ? '' : asText(hash).toLowerCase()
  if (text !== '') return text
  const version = modelVersionId || id
  return version ? asText(version) : ''
}

function asText (value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value) ?? ''
}

function weightOf (entry: Record<string, unknown>): number {
  const given = Object.hasOwn(entry, 'strength') ? entry.strength : Object.hasOwn(entry, 'weight') ? entry.weight : 1
  const number = readNumber(given)
  return number === undefined || !Number.isFinite(number) ? 1 : roundHalfEven(number)
}

/** To two decimals; a value that lies exactly between two of them (odd eighths) goes to the even one. */
function roundHalfEven (value: number): number {
  const eighths = value * 8
  if (!Number.isInteger(eighths) || eighths % 2 === 0) return Number(value.toFixed(2))
  const below = Math.floor(value * 100)
  return (below % 2 === 0 ? below : below + 1) / 100
}

const WHOLE_HASH = 64

/** Whether every LoRA is named by a whole SHA-256, which nothing needs to resolve. */
export function isWhole (text: string): boolean {
  for (let at = 0; at < text.length;) {
    const colon = at + WHOLE_HASH
    if (text[colon] !== ':' || text.indexOf(':', at) !== colon) return false
    const end = text.indexOf('|', colon)
    if (end < 0) return true
    at = end + 1
  }
  return false
}

/** The parts of a fingerprint, each with its key put through `resolve`, in the order that `fingerprint` gives them. */
export function resolveFingerprint (text: string, resolve: (key: string) => string): string {
  if (text === '') return ''
  const parts = text.split('|').map((part) => {
    const colon = part.lastIndexOf(':')
    return colon < 0 ? { key: resolve(part), weight: '' } : { key: resolve(part.slice(0, colon)), weight: part.slice(colon) }
  })
  parts.sort((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : Number(a.weight.slice(1)) - Number(b.weight.slice(1)))
  return parts.map(({ key, weight }) => key + weight).join('|')
}
