import { constants } from 'node:fs'
import { copyFile, open, unlink, writeFile } from 'node:fs/promises'
import { DomainError, NotFoundError, OfflineError } from '../../services/errors.ts'
import { ownTempPath } from '../../services/files/atomic-write.ts'
import type { UploadShelf } from '../../services/files/upload-shelf.ts'
import { preparePreview } from '../../services/images/preview.ts'
import type { Journal } from '../../services/journal/types.ts'
import type { IndexedModel } from '../../services/models/entry.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import { planPreviewChange } from '../../services/models/preview-change.ts'
import { previewUrl } from '../../services/models/preview-url.ts'
import type { ProgressHub } from '../../services/progress/types.ts'

export interface PreviewDeps {
  library: ModelLibrary
  journal: Pick<Journal, 'run'>
  hub: Pick<ProgressHub, 'publish'>
  uploads: UploadShelf
}

export interface PreviewOutcome { preview_url: string, preview_nsfw_level: number }

/** The model that a request means. @throws PathOutsideLibraryError, NotFoundError, OfflineError */
export function previewedModel (library: ModelLibrary, path: string): IndexedModel {
  const { path: contained, root } = library.contain(path)
  const model = library.index.get(contained)
  if (!model) throw new NotFoundError('There is no such model', 'model-not-found')
  const state = library.rootStatus().find(({ id }) => id === root.id)?.state
  if (state === 'offline' || state === 'suspect') throw new OfflineError('The disk of this model folder is away')
  return model
}

/** Anything but a whole number is 0, "unknown". */
export function nsfwLevel (value: unknown): number {
  const level = typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : value
  return typeof level === 'number' && Number.isSafeInteger(level) && level >= 0 ? level : 0
}

/**
 * Makes a file the preview of a model, in whatever form the bytes are; answers when list, sidecar and disk say so.
 * The file stays the caller's.
 * @throws InvalidInputError when it is no image or video, and then nothing was touched
 */
export const storePreview = ({ library, journal, hub }: PreviewDeps) => async (path: string, file: string, level: number, route: string): Promise<PreviewOutcome> => {
  const { file_path: filePath } = previewedModel(library, path)
  const { extension, data } = await preparePreview(file)
  return await library.exclusively([filePath], async () => {
    // It may have gone or moved while the image was worked on.
    const model = previewedModel(library, filePath)
    const temporary = await layDown(ownTempPath(filePath), data ?? file)
    const operation = await runPlanned(journal, model, { file: temporary, extension, nsfwLevel: level }, route)
    const [settled] = await library.settle({ changed: [filePath] })
    hub.publish('model.updated', { model_type: library.type.name, file_path: filePath }, { operation })
    return { preview_url: previewUrl(settled?.preview_url ?? ''), preview_nsfw_level: settled?.preview_nsfw_level ?? level }
  })
}

async function runPlanned (journal: PreviewDeps['journal'], model: IndexedModel, preview: Parameters<typeof planPreviewChange>[1], route: string): Promise<string> {
  const unit = await planPreviewChange(model, preview).catch(async (error: unknown) => {
    await unlink(preview.file)
    throw error
  })
  const { id, units: [done] } = await journal.run({ kind: 'replace-preview', route, summary: `New preview for ${model.file_name}`, units: [unit] })
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
