import type { ModelLibrary } from '../models/ports.ts'

/** Of a SHA-256. */
const BYTES = 32

/** The SHA-256 of all listed models, in binary, library by library. */
export async function digestsOf (libraries: readonly ModelLibrary[]): Promise<Uint8Array<ArrayBuffer>[]> {
  return await Promise.all(libraries.map(async ({ index }) => await index.digests()))
}

/** In hex, each once. */
export function digestTexts (digests: readonly Uint8Array[]): Set<string> {
  const texts = new Set<string>()
  for (const bytes of digests) {
    for (let at = 0; at < bytes.length; at += BYTES) texts.add(Buffer.from(bytes.subarray(at, at + BYTES)).toString('hex'))
  }
  return texts
}
