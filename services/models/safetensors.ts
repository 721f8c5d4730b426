import { isUtf8 } from 'node:buffer'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { CLOSE_BRACE, COLON, COMMA, EXCESSIVE, OPEN_BRACE, QUOTE, UNFINISHED, skipSpace, skipString, skipValue } from './json-spans.ts'
import { isObject } from './read-value.ts'

/** Format fact: 8 bytes little-endian header length, then a JSON object that begins with `{` at once. */
const LENGTH_BYTES = 8
const MAX_HEADER_BYTES = 64 * 1024 * 1024
/** Metadata come first in practice, so one read of this size is enough for nearly every file. */
const FIRST_READ_BYTES = 64 * 1024
/** Far beyond what trainers write, far below what would exhaust memory. */
const LIMITS = { depth: 16, parts: 200_000 }

export interface SafetensorsHeader {
  /** The `__metadata__` map; values that are no strings are left out. */
  metadata: Record<string, string>
  /** Length of the JSON header; tensors begin at 8 + headerBytes. */
  headerBytes: number
}

const firstRead = Buffer.allocUnsafe(LENGTH_BYTES + FIRST_READ_BYTES)

/**
 * Reads the metadata of a safetensors file, synchronously. Never throws; never reads more than 64 MiB, whatever the file claims.
 * The table of tensors is skipped, not parsed, so its contents are not checked.
 */
export function readSafetensorsHeader (path: string): SafetensorsHeader | { error: string } {
  let descriptor: number | undefined
  try {
    // Without O_NONBLOCK a FIFO in a model folder would hang the scan.
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    return readFrom(descriptor)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown fault'
    return { error: `the file cannot be read (${code})` }
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

function readFrom (descriptor: number): SafetensorsHeader | { error: string } {
  const stat = fstatSync(descriptor)
  if (!stat.isFile()) return { error: 'not a regular file' }
  const got = readSync(descriptor, firstRead, 0, firstRead.length, 0)
  const headerBytes = headerLength(firstRead.subarray(0, got), stat.size)
  if (typeof headerBytes === 'string') return { error: headerBytes }
  const start = firstRead.subarray(LENGTH_BYTES, Math.min(got, LENGTH_BYTES + headerBytes))
  let outcome = findMetadata(start)
  if (outcome === 'unfinished' && start.length < headerBytes) outcome = findMetadata(readFully(descriptor, headerBytes))
  if (outcome === 'unfinished') return { error: 'the header is cut off' }
  return typeof outcome === 'string' ? { error: outcome } : { metadata: outcome, headerBytes }
}

/** Length of the JSON header, or why it cannot be one. */
export function headerLength (start: Buffer, fileSize: number): number | string {
  if (start.length < LENGTH_BYTES + 2) return 'the file is too short for a header'
  const length = start.readBigUInt64LE(0)
  if (length > BigInt(MAX_HEADER_BYTES)) return 'the header claims more than 64 MiB'
  if (Number(length) + LENGTH_BYTES > fileSize) return 'the header claims more bytes than the file has'
  return length < 2n ? 'the header is empty' : Number(length)
}

function readFully (descriptor: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const got = readSync(descriptor, bytes, filled, length - filled, LENGTH_BYTES + filled)
    if (got === 0) break
    filled += got
  }
  return bytes.subarray(0, filled)
}

/** Walks the top-level members up to `__metadata__`. Answers the map (empty when there is none) or what is wrong. */
function findMetadata (bytes: Buffer): Record<string, string> | string {
  if (bytes[0] !== OPEN_BRACE) return 'the header is not a JSON object'
  let at = skipSpace(bytes, 1)
  if (bytes[at] === CLOSE_BRACE) return {}
  while (at < bytes.length) {
    if (bytes[at] !== QUOTE) return 'the header is not valid JSON'
    const keyEnd = skipString(bytes, at)
    if (keyEnd === UNFINISHED) return 'unfinished'
    const colon = skipSpace(bytes, keyEnd)
    if (colon >= bytes.length) return 'unfinished'
    if (bytes[colon] !== COLON) return 'the header is not valid JSON'
    const start = skipSpace(bytes, colon + 1)
    const end = skipValue(bytes, start, LIMITS)
    if (end === UNFINISHED) return 'unfinished'
    if (end === EXCESSIVE) return 'the header is nested too deeply or has too many entries'
    if (bytes.toString('latin1', at, keyEnd) === '"__metadata__"') return parseMetadata(bytes.subarray(start, end))
    const next = skipSpace(bytes, end)
    if (bytes[next] === CLOSE_BRACE) return {}
    if (next < bytes.length && bytes[next] !== COMMA) return 'the header is not valid JSON'
    at = skipSpace(bytes, next + 1)
  }
  return 'unfinished'
}

function parseMetadata (bytes: Buffer): Record<string, string> | string {
  if (!isUtf8(bytes)) return 'the metadata are not UTF-8'
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    return error instanceof SyntaxError ? 'the metadata are not valid JSON' : 'the metadata cannot be read'
  }
  if (value === null) return {}
  if (!isObject(value)) return 'the metadata are not a map'
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}
