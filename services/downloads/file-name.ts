import { InvalidInputError } from '../errors.ts'
import type { ModelType } from '../models/types.ts'

// eslint-disable-next-line no-control-regex -- control characters are what is replaced
const FORBIDDEN = /[<>:"/\\|?*\u0000-\u001f\u007f]/g
const DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])$/i
/** Leaves room for `.metadata.json`, a suffix against a clash and `.part` within the 255 bytes of a name. */
const MOST_BYTES = 200
const FORMATS: Readonly<Record<string, string>> = { SafeTensor: '.safetensors', PickleTensor: '.ckpt', GGUF: '.gguf' }

/** Of archives that are unpacked. Files of PyTorch are ZIP archives inside and models all the same: only the name tells, or the provider. */
export const ARCHIVE_EXTENSION = '.zip'
/** Format of a file that the provider calls an archive, whatever its name; whether it is one that can be unpacked, its content tells. */
export const ARCHIVE_FORMAT = 'Archive'
/** Archives of other kinds are not worth their download. */
const FOREIGN_ARCHIVE = /^\.(?:7z|rar|tar|t?gz|t?bz2|t?xz|zst)$/

export interface SafeName { stem: string, extension: string }

/**
 * Makes one safe name of what a provider calls a file: one segment, no separators, control characters or device names,
 * an extension that models of the type have, or that of an archive. Where the name bears none, the format tells it.
 * @throws InvalidInputError `file-type-unsupported`
 */
export function safeFileName (name: string, type: Pick<ModelType, 'extensions' | 'label'>, format = ''): SafeName {
  const base = name.normalize('NFC').split(/[\\/]/).at(-1) ?? ''
  const cleaned = Buffer.from(base.replace(FORBIDDEN, '_')).toString().replaceAll('\uFFFD', '_').trim()
  const dot = cleaned.lastIndexOf('.')
  const ending = dot >= 0 ? cleaned.slice(dot).toLowerCase() : ''
  if (ending === ARCHIVE_EXTENSION || type.extensions.includes(ending)) return { stem: safeStem(cleaned.slice(0, dot)), extension: ending }
  const known = FORMATS[format]
  if (known !== undefined && type.extensions.includes(known) && !/^\.[a-z]{2,12}$/.test(ending)) return { stem: safeStem(cleaned), extension: known }
  if (format === ARCHIVE_FORMAT && !FOREIGN_ARCHIVE.test(ending)) return { stem: safeStem(cleaned), extension: ARCHIVE_EXTENSION }
  throw new InvalidInputError(`A ${type.label} can not be a "${ending || 'file without extension'}" file`, 'file-type-unsupported')
}

function safeStem (text: string): string {
  const trimmed = text.replace(/^[. ]+/, '').replace(/[. ]+$/, '')
  const named = DEVICE.test(trimmed.split('.', 1)[0]?.trimEnd() ?? '') ? `_${trimmed}` : trimmed
  return cutToBytes(named, MOST_BYTES).replace(/[. ]+$/, '') || 'unnamed'
}

/** Never in the middle of a character. */
function cutToBytes (text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text
  let kept = ''
  let length = 0
  for (const character of text) {
    length += Buffer.byteLength(character)
    if (length > bytes) break
    kept += character
  }
  return kept
}

/** Names to try in turn when one is taken: `name`, `name-<first 4 of the hash>`, `name-<…>-1`, … */
export function * alternativeStems (stem: string, sha256: string): Generator<string> {
  yield stem
  const marked = `${stem}-${sha256.slice(0, 4)}`
  yield marked
  for (let n = 1; n < 1000; n++) yield `${marked}-${n}`
}

/** Names for what comes out of an archive: `name`, `name-1`, `name-2`, … */
export function * numberedStems (stem: string): Generator<string> {
  yield stem
  for (let n = 1; n < 1000; n++) yield `${stem}-${n}`
}
