const DIGIT = /^\p{Nd}/u
const LATIN = /^[A-Z]/
/** CJK symbols, kana, bopomofo, hangul, ideographs and their compatibility forms. */
const CJK = /^[\u1100-\u11ff\u2e80-\u2fdf\u3000-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff65-\uffdc\u{20000}-\u{3ffff}]/u
const ALPHANUMERIC = /^[\p{L}\p{N}]/u

const ASCII_UPPER = Array.from({ length: 0x80 }, (_, code) => String.fromCharCode(code).toUpperCase())

/** First character, upper-cased; "" of "". */
export function firstLetter (name: string): string {
  const code = name.codePointAt(0)
  if (code !== undefined && code < 0x80) return ASCII_UPPER[code] as string
  return code === undefined ? '' : String.fromCodePoint(code).toUpperCase()
}

/** Key of the letter counts that a first letter belongs to, or null for letters that are not counted (É, Я …). */
export function letterClass (letter: string): string | null {
  if (letter === '') return null
  if (DIGIT.test(letter)) return '#'
  if (LATIN.test(letter)) return letter.slice(0, 1)
  if (CJK.test(letter)) return '漢'
  return ALPHANUMERIC.test(letter) ? null : '@'
}

/** Whether a first letter passes the `first_letter` filter. */
export function letterPasses (letter: string, filter: string): boolean {
  if (letter === '') return false
  switch (filter) {
    case '#': return DIGIT.test(letter)
    case '@': return !ALPHANUMERIC.test(letter)
    case '漢': return CJK.test(letter)
    default: return letter === firstLetter(filter)
  }
}

/** Every key of the letter counts, each 0. */
export function emptyLetterCounts (): Record<string, number> {
  const counts: Record<string, number> = { '#': 0 }
  for (let code = 65; code <= 90; code++) counts[String.fromCharCode(code)] = 0
  counts['@'] = 0
  counts['漢'] = 0
  return counts
}
