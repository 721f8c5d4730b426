/** Parts of a model that can be searched; the numbers are bits of a mask. */
export const FIELD = { fileName: 1, modelName: 2, tags: 4, creator: 8 } as const

const BREAK = /[\s_\-.]/
const BREAKS = /[\s_\-.]+/

/** White space, `_`, `-` and `.` end a word. */
export const hasBreak = (text: string): boolean => BREAK.test(text)

/** Parts between word breaks, with the empty ones at either end. */
export const splitAtBreaks = (text: string): string[] => text.split(BREAKS)

/** Calls `visit` for each word of an already lower-cased text. */
export function eachWord (text: string, visit: (word: string) => void): void {
  let start = -1
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const ends = code < 0x80 ? endsAscii(code) : BREAK.test(text.charAt(i))
    if (ends) {
      if (start >= 0) visit(text.slice(start, i))
      start = -1
    } else if (start < 0) start = i
  }
  if (start === 0) visit(text)
  else if (start > 0) visit(text.slice(start))
}

const endsAscii = (code: number): boolean => code === 0x20 || code === 0x2d || code === 0x2e || code === 0x5f || (code >= 0x09 && code <= 0x0d)

/** Which of 32 classes of characters a word has; a word can only be like one whose characters it mostly shares. */
export function characterMask (word: string): number {
  let mask = 0
  for (let i = 0; i < word.length; i++) mask |= 1 << (word.charCodeAt(i) & 31)
  return mask
}
