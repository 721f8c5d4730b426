import { parseDetails, type Details } from './details.ts'
import { promptIn } from './read-fields.ts'

/** A1111's text in its three parts. */
export interface AutomaticText {
  prompt: string
  /** Undefined where the text has no such part, "" where it is empty. */
  negativePrompt: string | undefined
  details: Details
}

const NEGATIVE = 'Negative prompt:'

/** Null unless there is a details line: one that begins with `Steps: <digit>`. The last one counts, since prompts quote such lines. */
export function splitAutomaticText (text: string): AutomaticText | null {
  const start = detailsStart(text)
  if (start < 0) return null
  const head = text.slice(0, start)
  const negative = negativeStart(head)
  return {
    prompt: promptIn(negative < 0 ? head : head.slice(0, negative)) ?? '',
    negativePrompt: negative < 0 ? undefined : promptIn(head.slice(negative + NEGATIVE.length)),
    details: parseDetails(text.slice(start))
  }
}

/** Where the details begin: at the last line with steps, or, in texts of one line, at the last word `Steps`. */
function detailsStart (text: string): number {
  let inLine = -1
  for (let at = text.lastIndexOf('Steps:'); at >= 0; at = at === 0 ? -1 : text.lastIndexOf('Steps:', at - 1)) {
    if (!/^Steps:\s*\d/.test(text.slice(at, at + 16))) continue
    if (/(?:^|\n)[ \t\r]*$/.test(text.slice(Math.max(0, at - 16), at)) || at === 0) return at
    if (inLine < 0 && /[\s,]$/.test(text.slice(at - 1, at)) && !/(?:Hires|HiRes|Refiner|ADetailer)\s+$/i.test(text.slice(Math.max(0, at - 16), at))) inLine = at
  }
  return inLine
}

/** At the beginning of a line where there is one; a prompt may talk of negative prompts. */
function negativeStart (head: string): number {
  for (let at = head.indexOf(NEGATIVE); at >= 0; at = head.indexOf(NEGATIVE, at + 1)) {
    if (at === 0 || /\n[ \t]*$/.test(head.slice(Math.max(0, at - 16), at))) return at
  }
  return head.indexOf(NEGATIVE)
}
