import type { OtherHashes } from './entry.ts'
import { isObject, readObject, readText } from './read-value.ts'

/** AutoV3 of a file without tensors: the hash of nothing, which identifies nothing. */
const HASH_OF_NOTHING = 'e3b0c44298fc'

/** The first 12 lower-case hex digits of an AutoV3 or tensor hash, or "" when it is none. */
export function normalAutov3 (value: unknown): string {
  const digits = readText(value).replace(/\s+/g, '').replace(/^0x/i, '').slice(0, 12).toLowerCase()
  return /^[0-9a-f]{12}$/.test(digits) && digits !== HASH_OF_NOTHING ? digits : ''
}

/** The entry of `civitai.files` that describes the file at hand: same SHA-256, or the primary one while no hash is known. */
function ownFile (civitai: unknown, sha256: string): Record<string, unknown> | null {
  const files = readObject(civitai)?.files
  if (!Array.isArray(files)) return null
  const entries = files.filter(isObject)
  if (!sha256) return entries.find((file) => file.primary === true) ?? null
  return entries.find((file) => readText(readObject(file.hashes)?.SHA256).toLowerCase() === sha256) ?? null
}

/** Further hashes that CivitAI names for the file; null when it names none. `sha256`: lower-case, "" while unknown. */
export function otherHashes (civitai: unknown, sha256: string): OtherHashes | null {
  const hashes = readObject(ownFile(civitai, sha256)?.hashes)
  if (!hashes) return null
  const found: OtherHashes = {}
  for (const name of ['AutoV1', 'CRC32', 'BLAKE3'] as const) {
    const value = readText(hashes[name])
    if (value) found[name] = value
  }
  return Object.keys(found).length > 0 ? found : null
}

/** The AutoV3 that CivitAI names for the file with this SHA-256, or "". */
export function civitaiAutov3 (civitai: unknown, sha256: string): string {
  return sha256 ? normalAutov3(readObject(ownFile(civitai, sha256)?.hashes)?.AutoV3) : ''
}
