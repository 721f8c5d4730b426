import { Type, type TSchema } from '@sinclair/typebox'
import { isRecord, plainCopy } from './plain-data.ts'

/** What came of reading a value: its normal form, or why it can't be one (to follow the key's name in a sentence). */
export type Reading = { value: unknown } | { reason: string }

/** A kind of value: its schema for documents, and the one reader for file, environment and HTTP. */
export interface Kind {
  schema: TSchema
  read (raw: unknown): Reading
}

const MAX_TEXT = 4096
const MAX_LIST = 10_000
const TRUE_WORDS = ['1', 'true', 'yes', 'on']
const FALSE_WORDS = ['0', 'false', 'no', 'off', '']

export function flag (): Kind {
  return {
    schema: Type.Boolean(),
    read (raw) {
      if (typeof raw === 'boolean') return { value: raw }
      const word = typeof raw === 'string' ? raw.trim().toLowerCase() : undefined
      if (word !== undefined && TRUE_WORDS.includes(word)) return { value: true }
      if (word !== undefined && FALSE_WORDS.includes(word)) return { value: false }
      return { reason: 'must be true or false' }
    }
  }
}

/** One line of text, trimmed. Numbers are taken as their text (a proxy port is a string on the wire). */
export function text (): Kind {
  return {
    schema: Type.String(),
    read (raw) {
      const words = typeof raw === 'number' && Number.isFinite(raw) ? String(raw) : raw
      if (typeof words !== 'string') return { reason: 'must be text' }
      if (words.length > MAX_TEXT) return { reason: `must not be longer than ${MAX_TEXT} characters` }
      if (hasControl(words)) return { reason: 'must not contain control characters' }
      return { value: words.trim() }
    }
  }
}

/** A number; one below the floor is lifted to it. */
export function number ({ floor, ceiling = 1e9, whole = false }: { floor: number, ceiling?: number, whole?: boolean }): Kind {
  return {
    schema: whole ? Type.Integer() : Type.Number(),
    read (raw) {
      const parsed = typeof raw === 'string' && raw.trim() !== '' ? Number(raw) : raw
      if (typeof parsed !== 'number' || !Number.isFinite(parsed)) return { reason: 'must be a number' }
      if (parsed > ceiling) return { reason: `must not be greater than ${ceiling}` }
      return { value: Math.max(floor, whole ? Math.trunc(parsed) : parsed) }
    }
  }
}

/** One of a few words. `fold` brings spellings together first; `otherwise` stands for every other word instead of a refusal. */
export function oneOf (words: readonly string[], { fold, otherwise }: { fold?: 'lower' | 'upper', otherwise?: string } = {}): Kind {
  return {
    schema: Type.Union(words.map((word) => Type.Literal(word))),
    read (raw) {
      const trimmed = typeof raw === 'string' ? raw.trim() : undefined
      const word = fold === 'lower' ? trimmed?.toLowerCase() : fold === 'upper' ? trimmed?.toUpperCase() : trimmed
      if (word !== undefined && words.includes(word)) return { value: word }
      if (trimmed !== undefined && otherwise !== undefined) return { value: otherwise }
      return { reason: `must be ${words.map((known) => `'${known}'`).join(' or ')}` }
    }
  }
}

/** A list of names without duplicates; text is split at line ends, commas and semicolons. `clean` brings each into its form. */
export function names (clean: (name: string) => string = (name) => name): Kind {
  return {
    schema: Type.Array(Type.String()),
    read (raw) {
      const parts: unknown = typeof raw === 'string' ? raw.split(/[\n,;]/) : raw
      if (!Array.isArray(parts)) return { reason: 'must be a list of names' }
      if (parts.length > MAX_LIST) return { reason: `must not have more than ${MAX_LIST} entries` }
      const found = new Set<string>()
      for (const part of parts) {
        if (typeof part !== 'string') return { reason: 'must be a list of names' }
        const name = clean(part.trim())
        if (name.length > MAX_TEXT || hasControl(name)) return { reason: 'holds a name that is too long or has control characters' }
        if (name !== '') found.add(name)
      }
      return { value: [...found] }
    }
  }
}

/** Text by name. JSON text of such an object is read too. The object has no prototype: a look-up finds entries only. */
export function textMap ({ defaults = {} }: { defaults?: Readonly<Record<string, string>> } = {}): Kind {
  return {
    schema: Type.Object({}, { additionalProperties: Type.String() }),
    read (raw) {
      const source = typeof raw === 'string' ? parsedOrSame(raw) : raw
      if (!isRecord(source)) return { reason: 'must be an object of texts' }
      const entries = Object.entries(source)
      if (entries.length > MAX_LIST) return { reason: `must not have more than ${MAX_LIST} entries` }
      const value: Record<string, string> = Object.assign(Object.create(null), defaults)
      for (const [name, words] of entries) {
        if (typeof words !== 'string') return { reason: 'must be an object of texts' }
        if (words.length > MAX_TEXT * 16 || name.length > MAX_TEXT) return { reason: 'holds a text that is too long' }
        value[name] = words.trim()
      }
      return { value }
    }
  }
}

/** Lists of folders by key; texts trimmed, empty ones and duplicates dropped. Whether the folders may be used is another question. */
export function folderLists (): Kind {
  return {
    schema: Type.Object({}, { additionalProperties: Type.Array(Type.String()) }),
    read (raw) {
      if (!isRecord(raw)) return { reason: 'must be an object of folder lists' }
      const value: Record<string, string[]> = Object.create(null)
      for (const [key, list] of Object.entries(raw)) {
        const folders = typeof list === 'string' ? [list] : list
        if (!Array.isArray(folders) || folders.length > 1000) return { reason: 'must be an object of folder lists' }
        if (folders.some((folder) => typeof folder !== 'string' || folder.length > MAX_TEXT || hasControl(folder))) {
          return { reason: `holds something that is not a folder under ${JSON.stringify(key.slice(0, 50))}` }
        }
        value[key] = [...new Set(folders.map((folder: string) => folder.trim()).filter((folder) => folder !== ''))]
      }
      return { value }
    }
  }
}

/** An http or https address without user name, or nothing. */
export function address (): Kind {
  return {
    schema: Type.String(),
    read (raw) {
      if (raw === '') return { value: '' }
      const url = typeof raw === 'string' && raw.length <= MAX_TEXT ? parsedUrl(raw.trim()) : null
      if (!url || !['http:', 'https:'].includes(url.protocol)) return { reason: 'must be an http or https address' }
      if (url.username !== '' || url.password !== '') return { reason: 'must not contain a user name or password' }
      return { value: url.href.replace(/\/+$/, '') }
    }
  }
}

/** Origins, exactly as browsers send them. */
export function origins (): Kind {
  return {
    schema: Type.Array(Type.String()),
    read (raw) {
      const list = names((name) => name.replace(/\/+$/, '').toLowerCase()).read(raw)
      if ('reason' in list || !Array.isArray(list.value)) return list
      const wrong = list.value.find((origin: string) => !/^[a-z][a-z0-9+.-]*:\/\/[^/\s*@?#]+$/.test(origin))
      return wrong === undefined ? list : { reason: 'must be a list of origins such as http://192.168.1.5:8080' }
    }
  }
}

/** Anything a client keeps here, within bounds. */
export function anything (): Kind {
  return { schema: Type.Unknown(), read: plainCopy }
}

export function object (): Kind {
  return {
    schema: Type.Object({}, { additionalProperties: true }),
    read: (raw) => isRecord(raw) ? plainCopy(raw) : { reason: 'must be an object' }
  }
}

function hasControl (words: string): boolean {
  // eslint-disable-next-line no-control-regex
  return /[\u0000-\u001f\u007f]/.test(words)
}

function parsedOrSame (words: string): unknown {
  try {
    return JSON.parse(words)
  } catch {
    return words
  }
}

function parsedUrl (words: string): URL | null {
  try {
    return new URL(words)
  } catch {
    return null
  }
}
