/** Texts that a comparison needs, made anew each time, or kept while many slots are sorted. */
export interface SortTexts {
  compare (a: number, b: number): number
  /** Called at the beginning of a sort of so many slots. */
  keep (slots: number): void
  /** Called at the end of each such sort. */
  release (): void
  forget (slot: number): void
}

/** Characters of a text that are compared as one number. */
const PREFIX = 6
const WIDE = 0xff
const UNREAD = -1
/** Up to so many sorted slots, only the texts that are met are worth a place. */
const FEW = 4096

export function createSortTexts (capacity: () => number, make: (slot: number) => string): SortTexts {
  /** By slot, with room for all of them, or only those that were met. */
  let all: string[] | null = null
  let prefixes = new Float64Array(0)
  let met: Map<number, string> | null = null
  /** Sorts under way that compare by it. */
  let users = 0

  const load = (slot: number): number => {
    const text = make(slot)
    const prefix = prefixOf(text)
    if (all && slot < all.length) {
      all[slot] = text
      prefixes[slot] = prefix
    }
    return prefix
  }

  const textOf = (slot: number): string => {
    if (all && slot < all.length) {
      if (prefixes[slot] === UNREAD) load(slot)
      return all[slot] as string
    }
    if (!met) return make(slot)
    const known = met.get(slot)
    if (known !== undefined) return known
    const text = make(slot)
    met.set(slot, text)
    return text
  }

  const prefixAt = (slot: number): number => {
    const prefix = prefixes[slot] ?? UNREAD
    return prefix === UNREAD ? load(slot) : prefix
  }

  return {
    compare: (a, b) => {
      if (all) {
        const difference = prefixAt(a) - prefixAt(b)
        if (difference !== 0) return difference
      }
      const textA = textOf(a)
      const textB = textOf(b)
      return textA < textB ? -1 : textA > textB ? 1 : 0
    },
    keep: (slots) => {
      users++
      if (slots <= FEW) met ??= new Map()
      else if (!all) {
        all = new Array<string>(capacity()).fill('')
        prefixes = new Float64Array(capacity()).fill(UNREAD)
      }
    },
    release: () => {
      if (--users > 0) return
      all = null
      met = null
      prefixes = new Float64Array(0)
    },
    forget: (slot) => {
      if (all && slot < prefixes.length) prefixes[slot] = UNREAD
      met?.delete(slot)
    }
  }
}

/** The beginning of a text as a number that compares alike, as far as it tells; behind a wide character it tells nothing. */
function prefixOf (text: string): number {
  let prefix = 0
  let narrow = true
  for (let i = 0; i < PREFIX; i++) {
    const code = narrow && i < text.length ? text.charCodeAt(i) + 1 : 0
    if (code >= WIDE) narrow = false
    prefix = prefix * 0x100 + Math.min(code, WIDE)
  }
  return prefix
}
