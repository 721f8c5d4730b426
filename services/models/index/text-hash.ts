/** Spreads the bits of a 32-bit number over all of them. */
export function mix (value: number): number {
  let hash = value | 0
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b)
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35)
  return (hash ^ hash >>> 16) >>> 0
}

/** 32-bit hash of a text. */
export function textHash (text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return mix(hash)
}

/** 32-bit hash of an integer beyond 32 bits. */
export function integerHash (value: number): number {
  return mix(value % 0x100000000 ^ Math.imul(Math.floor(value / 0x100000000), 0x9e3779b1))
}

/** The first 8 hex digits of a file hash as a number: every look-up has at least those. */
export function hexHash (hex: string): number {
  let value = 0
  for (let i = 0; i < 8; i++) {
    const code = hex.charCodeAt(i) | 0x20
    value = value << 4 | (code >= 0x61 ? code - 0x57 : code - 0x30) & 15
  }
  return mix(value)
}
