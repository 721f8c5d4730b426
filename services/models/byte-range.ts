/** One satisfiable range of a file, both ends included. */
export interface ByteRange { start: number, end: number }

const SINGLE_RANGE = /^bytes=(\d*)-(\d*)$/

/**
 * Reads a `Range` header (RFC 9110 §14.2). Several ranges and foreign units are ignored, as the RFC allows.
 * @returns the range, `'unsatisfiable'` for 416, or undefined when the whole file is to be sent
 */
export function byteRange (header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const match = header === undefined ? null : SINGLE_RANGE.exec(header.replaceAll(' ', ''))
  if (!match) return undefined
  const [, first = '', last = ''] = match
  if (first === '') {
    if (last === '') return undefined
    const length = Math.min(Number(last), size)
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 }
  }
  const start = Number(first)
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (last !== '' && Number(last) < start) return undefined
  return start >= size ? 'unsatisfiable' : { start, end }
}

/** Headers of a request that decide between 200, 206, 304 and 416. */
export interface Conditions {
  ifNoneMatch?: string | undefined
  ifModifiedSince?: string | undefined
  ifRange?: string | undefined
  range?: string | undefined
}

/** Whether the client's copy is still good (RFC 9110 §13.2.2: an ETag outranks a date). */
export function isUnchanged (conditions: Conditions, facts: { etag: string, mtimeMs: number }): boolean {
  const { ifNoneMatch, ifModifiedSince } = conditions
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch === facts.etag || ifNoneMatch.trim() === '*') return true
    const bare = facts.etag.slice(2)
    return ifNoneMatch.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === bare)
  }
  if (ifModifiedSince === undefined) return false
  const since = Date.parse(ifModifiedSince)
  return Number.isFinite(since) && Math.floor(facts.mtimeMs / 1000) * 1000 <= since
}

/**
 * The range that applies, with `If-Range` heeded: our ETags are weak, so only the exact date can confirm a part.
 */
export function applicableRange (conditions: Conditions, facts: { size: number, lastModified: string }): ByteRange | 'unsatisfiable' | undefined {
  if (conditions.ifRange !== undefined && conditions.ifRange.trim() !== facts.lastModified) return undefined
  return byteRange(conditions.range, facts.size)
}
