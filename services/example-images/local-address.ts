import { InvalidInputError } from '../errors.ts'

/** A folder as the user's own machine names it. */
export function localPath (localRoot: string, relative: string): string {
  const root = localRoot.replace(/(?<=.)[/\\]+$/, '')
  const separator = root.includes('\\') && !root.includes('/') ? '\\' : '/'
  return `${root.replace(/^\/$/, '')}${separator}${relative.split('/').join(separator)}`
}

export function fileUri (path: string): string {
  const slashed = path.replaceAll('\\', '/')
  const encoded = slashed.split(/([/:])/).map((part) => part === '/' || part === ':' ? part : percentEncoded(part)).join('')
  return `file://${encoded.startsWith('/') ? '' : '/'}${encoded}`
}

/** Addresses of these run what they hold. */
const dangerous = /^\s*(?:javascript|data|vbscript|blob|about):/i

/**
 * The address that opens a folder, by the user's template.
 * @throws InvalidInputError for a template that is empty, or yields no address or one that a browser would run
 */
export function folderAddress (template: string, path: string, relative: string): string {
  if (template.trim() === '') throw new InvalidInputError('No URI template configured for opening example images', 'uri-template-missing')
  const uri = fileUri(path)
  const values: Record<string, string> = {
    local_path: path,
    encoded_local_path: percentEncoded(path),
    relative_path: relative,
    encoded_relative_path: percentEncoded(relative),
    file_uri: uri,
    encoded_file_uri: percentEncoded(uri)
  }
  const address = template.trim().replaceAll(/\{\{(\w+)\}\}/g, (whole, name: string) => Object.hasOwn(values, name) ? values[name] ?? '' : whole)
  if (!/^[a-z][a-z0-9+.-]*:/i.test(address) || dangerous.test(address)) throw new InvalidInputError('The URI template does not yield an address that opens a folder', 'uri-template-invalid')
  return address
}

function percentEncoded (text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}
