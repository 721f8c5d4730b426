import { InvalidInputError } from '../errors.ts'

const FORBIDDEN = /[/\\:*?"<>|]/
// eslint-disable-next-line no-control-regex -- control characters are what is refused
const CONTROL = /[\u0000-\u001f\u007f]/
/** Names that Windows keeps for devices, whatever extension follows. */
const DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])$/i
const MAX_BYTES = 255

/**
 * Whether a name for a file can be used on every system that a library may be carried to. `name` is without its extension.
 * @throws InvalidInputError `file-name-invalid`
 */
export function checkFileName (name: string, extension: string): void {
  const problem = problemOf(name, extension)
  if (problem !== null) throw new InvalidInputError(problem, 'file-name-invalid')
}

function problemOf (name: string, extension: string): string | null {
  if (FORBIDDEN.test(name) || CONTROL.test(name)) return 'Invalid characters in file name'
  if (name.trim() === '' || name === '.' || name === '..') return 'The file name is empty'
  if (/[. ]$/.test(name)) return 'A file name must not end with a dot or a space'
  const device = name.split('.', 1)[0]?.trimEnd() ?? ''
  if (DEVICE.test(device)) return 'This name is reserved by Windows'
  if (Buffer.from(name).toString() !== name) return 'The file name is not valid Unicode'
  return Buffer.byteLength(name + extension) > MAX_BYTES ? 'The file name is too long' : null
}
