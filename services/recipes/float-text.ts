/** A number as existing files and clients spell strengths: always with a decimal point or an exponent, in the shortest form. */
export function floatText (value: number): string {
  if (Object.is(value, -0)) return '-0.0'
  const text = String(value)
  return Number.isInteger(value) && !text.includes('e') ? `${text}.0` : text
}

/** A number given as such or as text; undefined for everything else. */
export function readNumber (value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isNaN(value) ? undefined : value
  if (typeof value === 'boolean') return Number(value)
  if (typeof value !== 'string' || value.trim() === '') return undefined
  const number = Number(value)
  return Number.isNaN(number) ? undefined : number
}

/** A positive whole number given as such or as text; 0 for everything else. */
export function readId (value: unknown): number {
  const number = readNumber(value)
  return number !== undefined && Number.isSafeInteger(number) && number > 0 ? number : 0
}
