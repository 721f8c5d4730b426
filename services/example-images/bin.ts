import { lstat, readdir, rmdir, stat, unlink } from 'node:fs/promises'
import { NotFoundError } from '../errors.ts'
import { describeFailure, failureOf } from '../journal/errors.ts'
import type { Journal, OperationDetail, Page, Unit } from '../journal/types.ts'
import { DAY_MS } from './absences.ts'
import { ExampleFolderAwayError } from './errors.ts'
import { isInside, namesIn } from './folder-files.ts'
import { folderMoveSteps } from './folder-moves.ts'
import { BIN_NAME, hashFolder, type ExamplePlace } from './places.ts'

/** Files that left the folder of one model. */
export interface BinFolder {
  /** Name in the bin: the hash of the model, with a number from the second on. */
  id: string
  model_hash: string
  files: number
  /** Bytes. */
  size: number
  /** ISO 8601 UTC: when something came here last. */
  deleted_at: string
  age_seconds: number
}

export interface RestoredFolder {
  operation: OperationDetail
  restored: number
  /** What stays in the bin, mostly since a newer file is in its place. */
  left: { name: string, reason: string }[]
}

export interface PurgedBin {
  removed: number
  bytes: number
  kept: { id: string, reason: string }[]
}

/** The bin of the active library, as far as it holds folders of models; what the journal lays there is the trash's. */
export interface ExampleBin {
  /** By id. */
  list (place: ExamplePlace, options: { limit: number, after?: string | undefined }): Promise<Page<BinFolder>>
  /** Brings files back to the folder of their model, as one operation that can be undone; nothing is replaced. @throws NotFoundError, and the reason when nothing could come back */
  restore (place: ExamplePlace, id: string): Promise<RestoredFolder>
  /** Removes folders for good that nothing came into for so long. */
  purge (place: ExamplePlace, options: { olderThanDays: number }): Promise<PurgedBin>
}

interface Content { files: { path: string, size: number }[], directories: string[], newestMs: number }

const BINNED = /^([0-9a-f]{64})(?:_\d+)?$/i

export function createExampleBin ({ journal, now = Date.now }: { journal: Pick<Journal, 'run' | 'operation'>, now?: () => number }): ExampleBin {
  return {
    async list (place, { limit, after }) {
      const ids = (await idsIn(place)).filter((id) => after === undefined || id > after)
      const shown = ids.slice(0, limit)
      const items: BinFolder[] = []
      for (const id of shown) items.push(describeFolder(id, await contentOf(`${binOf(place)}/${id}`), now()))
      return { items, next: ids.length > limit ? shown.at(-1) ?? null : null }
    },

    restore: async (place, id) => await restoreFolder(journal, place, id),

    async purge (place, { olderThanDays }) {
      const purged: PurgedBin = { removed: 0, bytes: 0, kept: [] }
      for (const id of await idsIn(place)) {
        try {
          const content = await contentOf(`${binOf(place)}/${id}`)
          if (now() - content.newestMs >= olderThanDays * DAY_MS) await removeContent(content, purged)
        } catch (error) {
          purged.kept.push({ id, reason: describeFailure(error).message })
        }
      }
      return purged
    }
  }
}

/** An image whose name was taken in the bin; the higher the number the later it came there. */
const NUMBERED = /\/(image_\d+)_(\d+)(\.[^./]+)$/
const withoutNumber = (path: string): string => path.replace(NUMBERED, '/$1$3')
const numberOf = (path: string): number => Number(NUMBERED.exec(path)?.[2] ?? 0)

/** Each file for itself: those whose place is taken keep no other from coming back. Of several for one place the latest comes back. */
async function restoreFolder (journal: Pick<Journal, 'run' | 'operation'>, place: ExamplePlace, id: string): Promise<RestoredFolder> {
  if (!(await idsIn(place)).includes(id)) throw new NotFoundError('This is not among the deleted example images (any more)', 'not-in-bin')
  const folder = hashFolder(place, hashIn(id))
  if (await namesIn(folder) && !await isInside(place.root, folder)) throw new ExampleFolderAwayError('The folder of the model leads out of the folder of example images')
  const from = `${binOf(place)}/${id}`
  const steps = await folderMoveSteps(from, folder)
  const nameOf = (path: string): string => path.slice(from.length + 1)
  const files = steps.flatMap((step): Unit[] => step.kind === 'move' ? [{ key: step.from, label: nameOf(step.from), steps: [{ ...step, to: withoutNumber(step.to) }] }] : [])
    .sort((one, other) => numberOf(other.key) - numberOf(one.key))
  const emptied = { key: from, label: id.slice(0, 8), steps: steps.filter(({ kind }) => kind === 'rmdir') }
  const result = await journal.run({ kind: 'example-restore', route: 'example-images/deleted', summary: `Restore ${files.length} example image(s)`, units: [...files, emptied] })
  const moved = result.units.slice(0, files.length)
  const broken = moved.some(({ ok }) => ok) ? null : failureOf(moved[0])
  if (broken) throw broken
  const left = moved.flatMap(({ key, error }) => error ? [{ name: nameOf(key), reason: error.message }] : [])
  return { operation: journal.operation(result.id), restored: moved.length - left.length, left }
}

const binOf = ({ libraryRoot }: ExamplePlace): string => `${libraryRoot}/${BIN_NAME}`
const hashIn = (id: string): string => (BINNED.exec(id)?.[1] ?? '').toLowerCase()

/** Links are nobody's folder. */
async function idsIn (place: ExamplePlace): Promise<string[]> {
  const bin = binOf(place)
  if (await namesIn(bin) === undefined || !await isInside(place.root, bin)) return []
  const entries = await readdir(bin, { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory() && BINNED.test(entry.name)).map(({ name }) => name).sort()
}

/** The newest of all times counts: a move leaves the time of the content as it was, and only the system notes when it was done. */
async function contentOf (folder: string): Promise<Content> {
  const { mtimeMs, ctimeMs } = await stat(folder)
  const content: Content = { files: [], directories: [], newestMs: Math.max(mtimeMs, ctimeMs) }
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) {
      const inner = await contentOf(path)
      content.files.push(...inner.files)
      content.directories.push(...inner.directories)
      content.newestMs = Math.max(content.newestMs, inner.newestMs)
    } else {
      const found = await lstat(path)
      content.files.push({ path, size: found.size })
      content.newestMs = Math.max(content.newestMs, found.mtimeMs, found.ctimeMs)
    }
  }
  content.directories.push(folder)
  return content
}

function describeFolder (id: string, { files, newestMs }: Content, now: number): BinFolder {
  return {
    id,
    model_hash: hashIn(id),
    files: files.length,
    size: files.reduce((sum, { size }) => sum + size, 0),
    deleted_at: new Date(newestMs).toISOString(),
    age_seconds: Math.max(0, Math.floor((now - newestMs) / 1000))
  }
}

/** Only what was looked at; a directory that something came into meanwhile is kept by the system. */
async function removeContent ({ files, directories }: Content, purged: PurgedBin): Promise<void> {
  for (const { path, size } of files) {
    await unlink(path)
    purged.removed++
    purged.bytes += size
  }
  for (const directory of directories) await rmdir(directory)
}
