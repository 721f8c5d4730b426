/** Numbers for texts that many models share (folders, base models, types), with how many models have each. */
export interface Dictionary {
  /** Number of distinct texts so far; numbers are below it and never reused. */
  readonly size: number
  /** Counts one more model; answers the number of its text. */
  retain (text: string): number
  release (number: number): void
  /** The number of a text, or -1 when no model ever had it. */
  find (text: string): number
  text (number: number): string
  count (number: number): number
}

export function createDictionary (): Dictionary {
  const numbers = new Map<string, number>()
  const texts: string[] = []
  const counts: number[] = []
  /** Models come folder by folder: mostly it is the text that came last. */
  let last = -1
  return {
    get size () { return texts.length },
    retain: (text) => {
      if (last >= 0 && texts[last] === text) {
        counts[last] = (counts[last] as number) + 1
        return last
      }
      let number = numbers.get(text)
      if (number === undefined) {
        number = texts.push(text) - 1
        numbers.set(text, number)
        counts.push(0)
      }
      counts[number] = (counts[number] as number) + 1
      last = number
      return number
    },
    release: (number) => { counts[number] = (counts[number] as number) - 1 },
    find: (text) => numbers.get(text) ?? -1,
    text: (number) => texts[number] ?? '',
    count: (number) => counts[number] ?? 0
  }
}

/** One cell per text of a dictionary: 1 where the test holds. Texts that no model has any more are not tested. */
export function dictionaryMarks (dictionary: Dictionary, test: (text: string) => boolean): Uint8Array {
  const marks = new Uint8Array(dictionary.size)
  for (let i = 0; i < marks.length; i++) {
    if (dictionary.count(i) > 0 && test(dictionary.text(i))) marks[i] = 1
  }
  return marks
}
