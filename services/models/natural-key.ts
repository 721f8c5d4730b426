const DIGIT = /\d/
const NOT_ASCII = /[\u0080-\uffff]/
const FOREIGN_DIGIT = /\p{Nd}/u
const NEEDS_CODE_POINT_ORDER = /[\ud800-\uffff]/

/**
 * Rewrites UTF-16 units so that comparing them puts strings in code point order: surrogates (characters beyond
 * U+FFFF) move behind U+E000..U+FFFF. The result is only for comparing.
 */
export function codePointOrder (text: string): string {
  if (!NEEDS_CODE_POINT_ORDER.test(text)) return text
  return text.replace(/[\ud800-\uffff]/g, (unit) => {
    const code = unit.charCodeAt(0)
    return String.fromCharCode(code < 0xe000 ? code + 0x2000 : code - 0x800)
  })
}

/** Lower-cased text in an order that `<` compares by code points. */
export function plainKey (text: string): string {
  return codePointOrder(text.toLowerCase())
}

/**
 * Key whose plain comparison is the natural order of `text`: case ignored, accented letters beside their plain ones
 * (canonical decomposition), digit runs by their number, numbers before text. A run is written as NUL, its length without leading zeros, its digits; NUL sorts before every character of a name.
 */
export function naturalKey (text: string): string {
  const lower = NOT_ASCII.test(text) ? plainKey(asciiDigits(text).normalize('NFD')) : text.toLowerCase()
  if (!DIGIT.test(lower)) return lower
  return lower.replace(/\d+/g, (run) => {
    const digits = run.replace(/^0+(?=\d)/, '')
    return '\0' + String.fromCharCode(Math.min(digits.length, 0xffff)) + digits
  })
}

/** Decimal digits of every script as ASCII digits; they stand in runs of ten, in order, per script. */
function asciiDigits (text: string): string {
  return text.replace(/\p{Nd}/gu, (digit) => {
    let code = digit.codePointAt(0) ?? 0
    if (code < 0x80) return digit
    let value = 0
    while (FOREIGN_DIGIT.test(String.fromCodePoint(code - 1))) {
      value++
      code--
    }
    return String(value % 10)
  })
}
