/** A set of slots, one bit each. Sets that meet in an operation have the same length. */
export type BitSet = Uint32Array

export const createBits = (capacity: number): BitSet => new Uint32Array((capacity + 31) >>> 5)

export const hasBit = (bits: BitSet, slot: number): boolean => ((bits[slot >>> 5] as number) >>> (slot & 31) & 1) === 1

export function setBit (bits: BitSet, slot: number): void {
  bits[slot >>> 5] = (bits[slot >>> 5] as number) | 1 << (slot & 31)
}

export function clearBit (bits: BitSet, slot: number): void {
  bits[slot >>> 5] = (bits[slot >>> 5] as number) & ~(1 << (slot & 31))
}

export function putBit (bits: BitSet, slot: number, on: boolean): void {
  if (on) setBit(bits, slot)
  else clearBit(bits, slot)
}

export function countBits (bits: BitSet): number {
  let total = 0
  for (let i = 0; i < bits.length; i++) {
    let word = bits[i] as number
    if (word === 0) continue
    word -= word >>> 1 & 0x55555555
    word = (word & 0x33333333) + (word >>> 2 & 0x33333333)
    total += Math.imul(word + (word >>> 4) & 0x0f0f0f0f, 0x01010101) >>> 24
  }
  return total
}

export function isEmpty (bits: BitSet): boolean {
  for (let i = 0; i < bits.length; i++) if (bits[i] !== 0) return false
  return true
}

export function keepCommon (target: BitSet, other: BitSet): void {
  for (let i = 0; i < target.length; i++) target[i] = (target[i] as number) & (other[i] as number)
}

export function addAll (target: BitSet, other: BitSet): void {
  for (let i = 0; i < target.length; i++) target[i] = (target[i] as number) | (other[i] as number)
}

export function removeAll (target: BitSet, other: BitSet): void {
  for (let i = 0; i < target.length; i++) target[i] = (target[i] as number) & ~(other[i] as number)
}

/** Calls `visit` for every member, in ascending order. */
export function eachBit (bits: BitSet, visit: (slot: number) => void): void {
  for (let i = 0; i < bits.length; i++) {
    let word = bits[i] as number
    while (word !== 0) {
      const low = word & -word
      visit((i << 5) + 31 - Math.clz32(low))
      word ^= low
    }
  }
}

/** The members in ascending order. */
export function bitMembers (bits: BitSet): Uint32Array {
  const members = new Uint32Array(countBits(bits))
  let at = 0
  eachBit(bits, (slot) => { members[at++] = slot })
  return members
}

/** The same set with room for `capacity` slots. */
export function growBits (bits: BitSet, capacity: number): BitSet {
  const grown = createBits(capacity)
  grown.set(bits)
  return grown
}
