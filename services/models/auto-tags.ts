/** Labels in code-unit order; a label's place is its bit in the mask, so that a mask reads out sorted. */
export const AUTO_TAG_LABELS = ['HIGH', 'I2V', 'LOW', 'Lightning', 'T2V', 'TI2V', 'Turbo'] as const

const bitOf: ReadonlyMap<string, number> = new Map(AUTO_TAG_LABELS.map((label, place) => [label.toLowerCase(), 1 << place]))
const HIGH = bitOf.get('high') ?? 0
const LOW = bitOf.get('low') ?? 0

const word = /(?<![A-Za-z0-9])(?:TI2V|T2V|I2V|Lightning|Turbo)(?![A-Za-z0-9])/gi
// Noise halves of Wan models: `HighNoise` counts, `highlight`, `below_` and `flow` written on do not.
const high = /[Hh][Ii][Gg][Hh](?![a-z])/
const low = /(?<![Ff])[Ll][Oo][Ww](?![a-z])/

/** Bit set of the labels that file name, base model, version name and the user's tags speak of. */
export function autoTagMask (fileName: string, baseModel: string, versionName: string, tags: readonly string[]): number {
  // A line break is neither letter nor digit, so no label is found across two sources.
  const text = `${fileName}\n${baseModel}\n${versionName}`
  let mask = 0
  for (const found of text.match(word) ?? []) mask |= bitOf.get(found.toLowerCase()) ?? 0
  if (/wan/i.test(baseModel)) {
    if (high.test(text)) mask |= HIGH
    if (low.test(text)) mask |= LOW
  }
  for (const tag of tags) {
    if (tag.length <= 9) mask |= bitOf.get(tag.toLowerCase()) ?? 0
  }
  return mask
}

/** The labels of a mask, sorted. */
export function autoTagsOf (mask: number): string[] {
  return mask === 0 ? [] : AUTO_TAG_LABELS.filter((_, place) => (mask & (1 << place)) !== 0)
}
