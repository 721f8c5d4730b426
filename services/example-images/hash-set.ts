/** A set of SHA-256 sums. A hundred thousand texts of 64 digits in a `Set` take a tenth of a second, which every look at them would pay anew. */
export interface HashSet {
  readonly size: number
  /** Adds sums of 32 bytes each that stand behind one another; answers how many were new. */
  add (bytes: Uint8Array): number
  /** Another set with the same sums. */
  copy (): HashSet
}

const WORDS = 8

/** Words need a place that four divides. */
function wordsOf (bytes: Uint8Array): Uint32Array {
  const { buffer, byteOffset } = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes)
  return new Uint32Array(buffer, byteOffset, bytes.length / 4)
}

export function createHashSet (): HashSet {
  return hashSetOver(new Uint32Array(0), new Uint32Array(0), 0)
}

/**
 * `sums`: as words, in the order they came. `slots`: open addressing by the first word, number of the sum, from 1; 0 is free.
 * At most half of the slots are taken.
 */
function hashSetOver (sums: Uint32Array, slots: Uint32Array, size: number): HashSet {
  /** Where the sum is, or would be. */
  function slotFor (words: Uint32Array, at: number): number {
    const mask = slots.length - 1
    let slot = (words[at] ?? 0) & mask
    for (let held = slots[slot] ?? 0; held !== 0 && !isSame(words, at, (held - 1) * WORDS); held = slots[slot] ?? 0) slot = (slot + 1) & mask
    return slot
  }

  function isSame (words: Uint32Array, at: number, own: number): boolean {
    for (let word = 0; word < WORDS; word++) if (words[at + word] !== sums[own + word]) return false
    return true
  }

  function reserve (count: number): void {
    if (count * 2 <= slots.length) return
    slots = new Uint32Array(2 ** Math.ceil(Math.log2(count * 2)))
    const grown = new Uint32Array(slots.length / 2 * WORDS)
    grown.set(sums.subarray(0, size * WORDS))
    sums = grown
    for (let sum = 0; sum < size; sum++) slots[slotFor(sums, sum * WORDS)] = sum + 1
  }

  return {
    get size () { return size },
    add (bytes) {
      const words = wordsOf(bytes)
      reserve(size + words.length / WORDS)
      const before = size
      for (let at = 0; at < words.length; at += WORDS) {
        const slot = slotFor(words, at)
        if (slots[slot] !== 0) continue
        for (let word = 0; word < WORDS; word++) sums[size * WORDS + word] = words[at + word] ?? 0
        slots[slot] = ++size
      }
      return size - before
    },
    copy: () => hashSetOver(sums.slice(), slots.slice(), size)
  }
}
