import { constants } from 'node:fs'
import { copyFile, open, unlink, writeFile } from 'node:fs/promises'
import { DomainError, NotFoundError, OfflineError } from '../errors.ts'
import { ownTempPath } from '../files/atomic-write.ts'
import type { Journal } from '../journal/types.ts'
import type { ProgressHub } from '../progress/types.ts'
import type { IndexedModel } from './entry.ts'
import type { ModelLibrary } from './ports.ts'
import { planPreviewChange } from './preview-change.ts'

export interface PutPreviewDeps {
  library: ModelLibrary
  journal: Pick<Journal, 'run'>
  hub: Pick<ProgressHub, 'publish'>
}

export interface FinishedPreview {
  /** The bytes, or the path of a file that holds them and stays the caller's. */
  content: Buffer | string
  /** With the dot, by what the bytes are. */
  extension: string
  nsfwLevel: number
  /** The operation's kind and who asked for it. */
  kind: string
  route: string
  /** A preview that came up meanwhile stays. */
  onlyIfNone?: boolean
}

/** The model that a request means. @throws PathOutsideLibraryError, NotFoundError, OfflineError */
export function previewedModel (library: ModelLibrary, path: string): IndexedModel {
  const { path: contained, root } = library.contain(path)
  const model = library.index.get(contained)
  if (!model) throw new NotFoundError('There is no such model', 'model-not-found')
  const state = library.rootStatus().find(({ id }) => id === root.id)?.state
  if (state === 'offline' || state === 'suspect') throw new OfflineError('The disk of this model folder is away')
  return model
}

/** Makes finished bytes the preview of a model; answers the model when list, sidecar and disk say so, null when it was not wanted any more. */
export async function putPreview ({ library, journal, hub }: PutPreviewDeps, filePath: string, preview: FinishedPreview): Promise<IndexedModel | null> {
  return await library.exclusively([filePath], async () => {
    // It may have gone or moved while the image was worked on.
    const model = previewedModel(library, filePath)
    if (preview.onlyIfNone === true && model.preview_url !== '') return null
    const temporary = await layDown(ownTempPath(filePath), preview.content)
    const operation = await runPlanned(journal, model, temporary, preview)
    const [settled] = await library.settle({ changed: [filePath] })
    hub.publish('model.updated', { model_type: library.type.name, file_path: filePath }, { operation })
    return settled ?? null
  })
}

async function runPlanned (journal: PutPreviewDeps['journal'], model: IndexedModel, file: string, { extension, nsfwLevel, kind, route }: FinishedPreview): Promise<string> {
  const unit = await planPreviewChange(model, { file, extension, nsfwLevel }).catch(async (error: unknown) => {
    await unlink(file)
    throw error
  })
  const { id, units: [done] } = await journal.run({ kind, route, summary: `New preview for ${model.file_name}`, units: [unit] })
  if (done?.error) throw new DomainError(done.error.kind, done.error.code, done.error.message)
  return id
}

/** On the disk as a whole before anything else changes. */
async function layDown (target: string, content: Buffer | string): Promise<string> {
  try {
    if (typeof content === 'string') await copyFile(content, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    else await writeFile(target, content, { flag: 'wx' })
    const handle = await open(target, 'r+')
    await handle.chmod(0o666 & ~process.umask()).then(async () => { await handle.sync() }).finally(async () => { await handle.close() })
    return target
  } catch (error) {
    // What could not be written may not be there; the reason is what counts.
    await unlink(target).catch(() => undefined)
    throw error
  }
}
