import { lstat, readFile } from 'node:fs/promises'
import { ConflictError, InvalidInputError } from '../errors.ts'
import type { Step, Unit } from '../journal/types.ts'
import type { IndexedModel } from './entry.ts'
import { companions, fileSet, stemOf } from './file-set.ts'
import type { FolderListing, FolderListings } from './folder-listings.ts'
import { findPreview } from './preview-file.ts'
import { forwardSlashes } from './model-name.ts'
import { readText } from './read-value.ts'
import { parseSidecar, serializeSidecar, SIDECAR_EXTENSION } from './sidecar-file.ts'

/** Where one model is to go; the extension stays. */
export interface Destination {
  directory: string
  stem: string
  /** Sub-type of the models in the root there, null when the root gives none. */
  subType: string | null
}

export interface MovedFile { from: string, to: string }

/** One model on its way to another place or name, as one unit of the journal: all of its files, or none. */
export interface Relocation {
  from: string
  to: string
  /** Every file that goes along: the model first, then its sidecar, then the rest. */
  files: MovedFile[]
  unit: Unit
}

/** Larger documents are moved as they are; what they say of their place is read over. */
const MAX_REWRITTEN_BYTES = 1024 * 1024
const MAX_NAME_BYTES = 255

/**
 * Plans the move of a model with all that belongs to it. The sidecar goes last and says where it lies then; nothing else of it
 * changes, and a broken one is moved as it is. A model that shares its stem with another leaves the companions there.
 * The listings take note of it, so that later models of the same operation see what this one will have done.
 * @throws ConflictError `destination-exists` when a name is taken, InvalidInputError for a name that is too long
 */
export async function planRelocation (model: Pick<IndexedModel, 'file_path'>, destination: Destination, listings: FolderListings): Promise<Relocation> {
  const { directory, name } = splitPath(model.file_path)
  const source = await listings.of(directory)
  const target = await listings.of(destination.directory)
  const stem = stemOf(name)
  const set = fileSet(name, source.startingWith(`${stem}.`))
  const renamed = (old: string): string => destination.stem + old.slice(stem.length)
  const moved = [name, ...companions(set)]
  // a model without sidecar must not take over what another one left there
  checkNames(set.sidecar === null ? [...moved.map(renamed), destination.stem + SIDECAR_EXTENSION] : moved.map(renamed), target)

  const files = moved.map((old) => ({ from: `${directory}/${old}`, to: `${destination.directory}/${renamed(old)}` }))
  const steps: Step[] = files.map((file) => ({ kind: 'move', ...file }))
  const [main, sidecar] = [files[0], set.sidecar === null ? undefined : files.at(-1)]
  if (main === undefined) throw new InvalidInputError('The path is not that of a file', 'path-invalid')
  if (sidecar !== undefined) {
    const written = await rewriteSidecar(sidecar, { main, files, subType: destination.subType })
    if (written) steps.push(written)
  }
  for (const old of moved) source.take(old)
  for (const old of moved) target.put(renamed(old))
  const ordered = sidecar === undefined ? files : [main, sidecar, ...files.slice(1, -1)]
  return { from: main.from, to: main.to, files: ordered, unit: { key: main.from, label: name, steps } }
}

function splitPath (path: string): { directory: string, name: string } {
  const slash = path.lastIndexOf('/')
  return { directory: path.slice(0, slash), name: path.slice(slash + 1) }
}

function checkNames (names: readonly string[], target: FolderListing): void {
  for (const name of names) {
    if (Buffer.byteLength(name) > MAX_NAME_BYTES) throw new InvalidInputError('The file name is too long', 'name-too-long')
    if (target.has(name)) throw new ConflictError(`A file named ${name} already exists at the destination`, 'destination-exists')
  }
}

/** The step that tells a moved sidecar where it lies; null for one that is a link, broken or too large. */
async function rewriteSidecar (sidecar: MovedFile, place: { main: MovedFile, files: readonly MovedFile[], subType: string | null }): Promise<Step | null> {
  const before = await lstat(sidecar.from)
  if (!before.isFile() || before.size > MAX_REWRITTEN_BYTES) return null
  const present = await readFile(sidecar.from)
  const parsed = parseSidecar(present)
  if ('error' in parsed) return null
  const data = serializeSidecar(relocatedDocument(parsed.document, place), present)
  if (present.equals(Buffer.from(data))) return null
  return { kind: 'write', path: sidecar.to, data, expected: { size: before.size, mtimeMs: before.mtimeMs } }
}

function relocatedDocument (document: Record<string, unknown>, { main, files, subType }: { main: MovedFile, files: readonly MovedFile[], subType: string | null }): Record<string, unknown> {
  const stem = stemOf(splitPath(main.to).name)
  const preview = relocatedPreview(forwardSlashes(readText(document.preview_url)), main, files)
  return {
    ...document,
    file_name: stem,
    file_path: main.to,
    preview_url: preview,
    ...(subType !== null && typeof document.sub_type === 'string' && { sub_type: subType })
  }
}

/** The recorded preview in its new place; else one that goes along; a recorded one of another folder stays what it is. */
function relocatedPreview (recorded: string, main: MovedFile, files: readonly MovedFile[]): string {
  const { name } = splitPath(recorded)
  const followed = name === '' ? undefined : files.find(({ from }) => splitPath(from).name === name)
  if (followed) return followed.to
  const { directory, name: fileName } = splitPath(main.to)
  const found = findPreview(stemOf(fileName), new Set(files.map(({ to }) => splitPath(to).name)))
  if (found !== undefined) return `${directory}/${found}`
  return splitPath(recorded).directory === splitPath(main.from).directory ? '' : recorded
}

/** A name that is free for a model file and its companions: the stem itself, `<stem>-<start of the hash>`, then `-1`, `-2`, …. */
export function freeStem (stem: string, sha256: string, listing: FolderListing): string {
  if (!listing.hasModel(stem)) return stem
  const marked = `${stem}-${sha256 === '' ? '0000' : sha256.slice(0, 4)}`
  let candidate = marked
  for (let n = 1; listing.hasModel(candidate); n++) candidate = `${marked}-${n}`
  return candidate
}
