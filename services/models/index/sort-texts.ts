/** Texts that a comparison needs, made anew each time, or kept while many slots are sorted. */
export interface SortTexts {
  compare (a: number, b: number): number
  /** Called at the beginning and the end of each such sort. */
  keep (active: boolean): void
  forget (slot: number): void
}

/** Characters of a text that are compared as one number. */
const PREFIX = 6
const WIDE = 0xff

export function createSortTexts (capacity: () => number, make: (slot: number) => string): SortTexts {
  let kept: (string | undefined)[] | null = null
  let prefixes = new Float64Array(0)
  /** Sorts under way that compare by it. */
  let users = 0

  const of = (slot: number): string => {
    if (!kept || slot >= kept.length) return make(slot)
    const known = kept[slot]
    if (known !== undefined) return known
    const text = make(slot)
    kept[slot] = text
    prefixes[slot] = prefixOf(text)
    return text
  }

  return {
    compare: (a, b) => {
      const textA = of(a)
      const textB = of(b)
      if (kept) {
        const difference = (prefixes[a] as number) - (prefixes[b] as number)
        // Not a number for a slot beyond what is kept.
        if (difference < 0 || difference > 0) return difference
      }
      return textA < textB ? -1 : textA > textB ? 1 : 0
    },
    keep: (active) => {
      users += active ? 1 : -1
      if (active && kept) return
      if (users > 0 && !active) return
      kept = active ? new Array<string | undefined>(capacity()).fill(undefined) : null
      prefixes = new Float64Array(active ? capacity() : 0)
    },
    forget: (slot) => { if (kept && slot < kept.length) kept[slot] = undefined }
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
