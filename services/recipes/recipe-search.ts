/** What of a recipe is searched, one text per column. */
export interface RecipeTexts { title: string, tags: string, loraName: string, loraModel: string, prompt: string, negative: string }

export type SearchColumn = keyof RecipeTexts

/**
 * Words of recipes. A recipe is found when all words of a query begin words of one and the same column; case and diacritics don't
 * count. Scripts without spaces are found from any character on.
 */
export interface RecipeSearch {
  put (slot: number, texts: RecipeTexts): void
  drop (slot: number): void
  /** 1 for each slot that is found. */
  find (query: string, columns: readonly SearchColumn[], slots: number): Uint8Array
  clear (): void
}

const COLUMNS: readonly SearchColumn[] = ['title', 'tags', 'loraName', 'loraModel', 'prompt', 'negative']
const COLUMN_BITS = 3
const ASCII = /^[\0-\x7f]*$/
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u
/** Of a run without spaces, so much is compared from each character on. */
const UNSPACED_LENGTH = 12
/** New words that may wait unsorted. */
const UNSORTED = 400
/** Entries of recipes that changed or went, from which on the lists are cleaned. */
const STALE_FROM = 4000

function plain (text: string): string {
  return ASCII.test(text) ? text.toLowerCase() : text.normalize('NFKD').replace(/\p{M}+/gu, '').toLowerCase()
}

/** Runs of letters and digits. */
export function searchWords (text: string): string[] {
  const bare = plain(text)
  return bare.match(ASCII.test(bare) ? /[a-z0-9]+/g : /[\p{L}\p{N}]+/gu) ?? []
}

function * indexedWords (text: string): Generator<string> {
  for (const word of searchWords(text)) {
    if (ASCII.test(word) || !UNSPACED.test(word)) {
      yield word
      continue
    }
    const characters = [...word]
    for (let at = 0; at < characters.length; at++) yield characters.slice(at, at + UNSPACED_LENGTH).join('')
  }
}

export function createRecipeSearch (): RecipeSearch {
  /** word → recipe number and column, packed */
  let words = new Map<string, number[]>()
  let sorted: string[] = []
  let unsorted: string[] = []
  /** Slot of each number, -1 once the recipe changed or went: numbers are never used twice, so lists need not be searched. */
  let slotOf: number[] = []
  let numberOf = new Map<number, number>()
  let stale = 0

  function drop (slot: number): void {
    const number = numberOf.get(slot)
    if (number === undefined) return
    slotOf[number] = -1
    numberOf.delete(slot)
    stale++
  }

  function clean (): void {
    const live: number[] = []
    const renumbered = slotOf.map((slot) => slot < 0 ? -1 : live.push(slot) - 1)
    for (const [word, list] of words) {
      const kept = list.flatMap((packed) => {
        const number = renumbered[packed >> COLUMN_BITS] ?? -1
        return number < 0 ? [] : [(number << COLUMN_BITS) | (packed & 7)]
      })
      if (kept.length > 0) words.set(word, kept)
      else words.delete(word)
    }
    slotOf = live
    numberOf = new Map(live.map((slot, number) => [slot, number]))
    sorted = [...words.keys()].sort()
    unsorted = []
    stale = 0
  }

  function order (): void {
    if (stale >= STALE_FROM && stale > numberOf.size) clean()
    if (unsorted.length < UNSORTED) return
    sorted = sorted.concat(unsorted).sort()
    unsorted = []
  }

  function * listsFrom (prefix: string): Generator<readonly number[]> {
    let low = 0
    let high = sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((sorted[middle] ?? '') < prefix) low = middle + 1
      else high = middle
    }
    for (; (sorted[low] ?? '').startsWith(prefix) && low < sorted.length; low++) yield words.get(sorted[low] ?? '') ?? []
    for (const word of unsorted) if (word.startsWith(prefix)) yield words.get(word) ?? []
  }

  /** Per number, the columns in which a word begins so. */
  function columnsWith (prefix: string): Uint8Array {
    const columns = new Uint8Array(slotOf.length)
    for (const list of listsFrom(prefix)) {
      for (const packed of list) columns[packed >> COLUMN_BITS] = (columns[packed >> COLUMN_BITS] ?? 0) | (1 << (packed & 7))
    }
    return columns
  }

  return {
    put (slot, texts) {
      drop(slot)
      const number = slotOf.push(slot) - 1
      numberOf.set(slot, number)
      for (const [column, name] of COLUMNS.entries()) {
        for (const word of new Set(indexedWords(texts[name]))) {
          const list = words.get(word)
          const packed = (number << COLUMN_BITS) | column
          if (list) list.push(packed)
          else {
            words.set(word, [packed])
            unsorted.push(word)
          }
        }
      }
    },
    drop,
    find (query, columns, slots) {
      order()
      const found = new Uint8Array(slots)
      const wanted = columns.reduce((bits, name) => bits | (1 << COLUMNS.indexOf(name)), 0)
      const prefixes = searchWords(query).map((word) => ASCII.test(word) || !UNSPACED.test(word) ? word : [...word].slice(0, UNSPACED_LENGTH).join(''))
      const [common, ...rest] = [...new Set(prefixes)].map(columnsWith)
      if (!common) return found
      for (const more of rest) for (let number = 0; number < common.length; number++) common[number] = (common[number] ?? 0) & (more[number] ?? 0)
      for (let number = 0; number < common.length; number++) {
        if (((common[number] ?? 0) & wanted) === 0) continue
        const slot = slotOf[number] ?? -1
        if (slot >= 0) found[slot] = 1
      }
      return found
    },
    clear () {
      words = new Map()
      sorted = []
      unsorted = []
      slotOf = []
      numberOf = new Map()
      stale = 0
    }
  }
}
