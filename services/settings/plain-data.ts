import type { Reading } from './kinds.ts'

/** Keys that would reach into the prototype of an object built by assignment. */
const RESERVED = new Set(['__proto__', 'constructor', 'prototype'])
const MAX_DEPTH = 32
const MAX_BYTES = 1024 * 1024

export function isReservedName (name: string): boolean {
  return RESERVED.has(name)
}

export function isRecord (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * A copy of a value as plain data: what JSON can say, own properties only, at most 32 levels deep and 1 MiB long.
 * A key such as `__proto__` stays what it is in JSON, a name.
 */
export function plainCopy (value: unknown): Reading {
  if (tooDeep(value)) return { reason: `must not be nested deeper than ${MAX_DEPTH} levels` }
  const json = JSON.stringify(value)
  if (json === undefined) return { reason: 'must be data' }
  if (Buffer.byteLength(json) > MAX_BYTES) return { reason: 'must not be larger than 1 MiB' }
  return { value: JSON.parse(json) }
}

function tooDeep (value: unknown): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return true
    level = level.flatMap((item) => typeof item === 'object' && item !== null ? Object.values(item) : [])
  }
  return false
}

/** Settings are handed out as they are held; nobody may change them in passing. */
export function deepFreeze<T> (value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const item of Object.values(value)) deepFreeze(item)
  }
  return value
}
