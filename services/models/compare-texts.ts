import { naturalKey, plainKey } from './natural-key.ts'

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39
const folded = (code: number): number => code >= 0x41 && code <= 0x5a ? code + 0x20 : code
const compareKeys = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0

/** As `plainKey(a)` compares with `plainKey(b)`, without making either where plain letters decide. */
export function comparePlain (a: string, b: string): number {
  const end = Math.min(a.length, b.length)
  for (let i = 0; i < end; i++) {
    const codeA = a.charCodeAt(i)
    const codeB = b.charCodeAt(i)
    if ((codeA | codeB) > 0x7f) return compareKeys(plainKey(a), plainKey(b))
    if (codeA === codeB) continue
    const difference = folded(codeA) - folded(codeB)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** As `naturalKey(a)` compares with `naturalKey(b)`, without making either where plain letters and digits decide. */
export function compareNatural (a: string, b: string): number {
  let i = 0
  let j = 0
  while (i < a.length && j < b.length) {
    const codeA = a.charCodeAt(i)
    const codeB = b.charCodeAt(j)
    if ((codeA | codeB) > 0x7f) return compareKeys(naturalKey(a), naturalKey(b))
    const digitA = isDigit(codeA)
    if (digitA !== isDigit(codeB)) return digitA ? -1 : 1
    if (digitA) {
      const endA = endOfDigits(a, i)
      const endB = endOfDigits(b, j)
      // A digit of another script goes on with the number.
      if (a.charCodeAt(endA) > 0x7f || b.charCodeAt(endB) > 0x7f) return compareKeys(naturalKey(a), naturalKey(b))
      const difference = compareDigits(a, i, endA, b, j, endB)
      if (difference !== 0) return difference
      i = endA
      j = endB
      continue
    }
    const difference = folded(codeA) - folded(codeB)
    if (difference !== 0) return difference
    i++
    j++
  }
  return (a.length - i) - (b.length - j)
}

function endOfDigits (text: string, from: number): number {
  let end = from
  while (end < text.length && isDigit(text.charCodeAt(end))) end++
  return end
}

/** The longer number is the larger one; zeros in front do not count. */
function compareDigits (a: string, fromA: number, endA: number, b: string, fromB: number, endB: number): number {
  let i = fromA
  let j = fromB
  while (i < endA - 1 && a.charCodeAt(i) === 0x30) i++
  while (j < endB - 1 && b.charCodeAt(j) === 0x30) j++
  // Lengths beyond are not told apart by the key either.
  const lengths = Math.min(endA - i, 0xffff) - Math.min(endB - j, 0xffff)
  if (lengths !== 0) return lengths
  for (; i < endA && j < endB; i++, j++) {
    const difference = a.charCodeAt(i) - b.charCodeAt(j)
    if (difference !== 0) return difference
  }
  return (endA - i) - (endB - j)
}
