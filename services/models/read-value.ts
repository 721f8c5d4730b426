/** Tolerant readers for documents that others wrote: a value of the wrong type counts as missing. */

export function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function readObject (value: unknown): Record<string, unknown> | null {
  return isObject(value) ? value : null
}

export function readText (value: unknown): string {
  return typeof value === 'string' ? value : ''
}

export function readNumber (value: unknown, fallback: number): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : fallback
}

export function readBoolean (value: unknown, fallback: boolean): boolean {
  return typeof value === 'boolean' ? value : fallback
}

export function readTexts (value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []
}
