import { isUtf8 } from 'node:buffer'
import { constants } from 'node:fs'
import { copyFile, open, readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { writeFileAtomic } from '../files/atomic-write.ts'
import { editJsonText } from './edit-json-text.ts'
import { EXCESSIVE, skipSpace, skipValue } from './json-spans.ts'
import { forwardSlashes, modelName } from './model-name.ts'
import { isObject } from './read-value.ts'
import { SIDECAR_FIELD_ORDER } from './sidecar-fields.ts'

export const SIDECAR_EXTENSION = '.metadata.json'
export const MAX_SIDECAR_BYTES = 64 * 1024 * 1024
/** JSON.stringify recurses: a document nested deeper could be read but never answered or written. */
const MAX_DEPTH = 512
/** A document below this size cannot be nested deep enough to matter, save by runs of brackets. */
const DEPTH_CHECK_BYTES = 16 * 1024

/** Path of the sidecar of a model: its last extension replaced. */
export function sidecarPath (modelPath: string): string {
  const { extension } = modelName(modelPath)
  return modelPath.slice(0, modelPath.length - extension.length) + SIDECAR_EXTENSION
}

/** A sidecar's document, or why it has none. Missing and wrongly typed fields are no error; readers default them. */
export function parseSidecar (bytes: Buffer): { document: Record<string, unknown> } | { error: string } {
  if (bytes.length > MAX_SIDECAR_BYTES) return { error: 'the sidecar is larger than 64 MB' }
  const content = withoutMark(bytes)
  if (content.length === 0) return { error: 'the sidecar is empty' }
  if (!isUtf8(content)) return { error: 'the sidecar is not UTF-8 text' }
  if (isTooDeep(content)) return { error: 'the sidecar is nested too deeply' }
  let document: unknown
  try {
    document = parseLenient(content.toString('utf8'))
  } catch (error) {
    return { error: error instanceof SyntaxError ? 'the sidecar is not valid JSON' : 'the sidecar cannot be parsed' }
  }
  return isObject(document) ? { document } : { error: 'the sidecar is not a JSON object' }
}

/** Without the byte-order mark that Windows editors put in front. */
function withoutMark (bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes
}

function isTooDeep (content: Buffer): boolean {
  if (content.length <= DEPTH_CHECK_BYTES && !content.includes('[[[[[[[[')) return false
  return skipValue(content, skipSpace(content, 0), { depth: MAX_DEPTH, parts: Infinity }) === EXCESSIVE
}

/** Python programs may write `NaN` and `Infinity`, which JSON has not; they read as null. */
function parseLenient (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (!/NaN|Infinity/.test(text)) throw error
    return JSON.parse(text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\b(?:NaN|Infinity)\b/gs, (token) => token.startsWith('"') ? token : 'null'))
  }
}

/**
 * The text of a sidecar: two spaces of indentation, non-ASCII as it is, no byte-order mark.
 * With the bytes of the present file only what differs is rewritten; key order and unknown keys stay in any case.
 */
export function serializeSidecar (document: Record<string, unknown>, present?: Buffer): string {
  const parsed = present && parseSidecar(present)
  if (!present || !parsed || 'error' in parsed) return JSON.stringify(document, null, 2)
  return editJsonText(withoutMark(present), parsed.document, document)
}

/** A new document with the known fields in their usual order and unknown ones after them. */
export function inFieldOrder (document: Record<string, unknown>): Record<string, unknown> {
  const known = SIDECAR_FIELD_ORDER.filter((name) => Object.hasOwn(document, name))
  const rest = Object.keys(document).filter((name) => !SIDECAR_FIELD_ORDER.includes(name))
  return Object.fromEntries([...known, ...rest].map((name) => [name, document[name]]))
}

/**
 * Writes a sidecar as a whole, atomically; `document` is the complete content. A present file that cannot be parsed is copied to
 * `<name>.metadata.json.bak-<time>` first. Callers queue writes per file. Does nothing when the file says the same already.
 * @returns the path of the copy, or null
 */
export async function writeSidecar (path: string, document: Record<string, unknown>, options: { durable: boolean }): Promise<{ backup: string | null }> {
  const present = await readPresent(path)
  const complete = await completeSidecar(path, document)
  if (present === undefined) {
    await writeFileAtomic(path, serializeSidecar(inFieldOrder(complete)), options)
    return { backup: null }
  }
  if (present === 'oversized' || 'error' in parseSidecar(present)) {
    const backup = await keepCopy(path, options.durable)
    await writeFileAtomic(path, serializeSidecar(inFieldOrder(complete)), options)
    return { backup }
  }
  const text = serializeSidecar(complete, present)
  if (!present.equals(Buffer.from(text))) await writeFileAtomic(path, text, options)
  return { backup: null }
}

async function readPresent (path: string): Promise<Buffer | 'oversized' | undefined> {
  try {
    if ((await stat(path)).size > MAX_SIDECAR_BYTES) return 'oversized'
    return await readFile(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Fields without which other programs drop a model are never left out. `folder` belongs to the index, not to the file. */
export async function completeSidecar (path: string, document: Record<string, unknown>): Promise<Record<string, unknown>> {
  const { folder, ...complete } = document
  for (const name of ['file_path', 'preview_url']) {
    const value = complete[name]
    if (typeof value === 'string') complete[name] = forwardSlashes(value)
  }
  complete.file_name ??= basename(path).slice(0, -SIDECAR_EXTENSION.length)
  complete.model_name ??= complete.file_name
  complete.sha256 ??= ''
  complete.base_model ??= 'Unknown'
  complete.preview_url ??= ''
  if (typeof complete.size !== 'number' || typeof complete.modified !== 'number') {
    const file = typeof complete.file_path === 'string' ? await stat(complete.file_path).catch(() => null) : null
    complete.size ??= file?.size ?? 0
    complete.modified ??= (file?.mtimeMs ?? 0) / 1000
  }
  return complete
}

/** Where a sidecar that can't be used is kept before another takes its place. */
export function backupPath (path: string): string {
  return `${path}.bak-${new Date().toISOString().replace(/[-:]/g, '').replace('.', '')}`
}

async function keepCopy (path: string, durable: boolean): Promise<string> {
  const copy = backupPath(path)
  await copyFile(path, copy, constants.COPYFILE_EXCL)
  if (durable) {
    const file = await open(copy, 'r+')
    await file.sync().finally(() => file.close())
  }
  return copy
}
