import { open, unlink } from 'node:fs/promises'
import { basename } from 'node:path'
import { DomainError, NotFoundError } from '../errors.ts'
import { moveFile } from '../files/move-file.ts'
import { describeFailure } from '../journal/errors.ts'
import { describeMedia } from './describe-media.ts'
import { SNIFFED_BYTES, sniffMedia } from '../images/sniff-media.ts'
import type { EditSidecar } from '../models/edit-sidecar.ts'
import type { IndexedModel } from '../models/entry.ts'
import type { ModelLibrary } from '../models/ports.ts'
import type { ModelTypeName } from '../models/types.ts'
import type { ProgressHub } from '../progress/types.ts'
import { freshId } from './custom-id.ts'
import { describeFile, findFolder, namesIn, type ExampleImageFile } from './folder-files.ts'
import { freeName } from './free-name.ts'
import { customElement } from './image-element.ts'
import type { IncomingFile } from './incoming.ts'
import { makeFolder } from './make-folder.ts'
import { customIdOf, exampleExtension, isExampleName } from './media-names.ts'
import { BIN_NAME, hashFolder, type ExamplePlace } from './places.ts'
import { addCustomImages, customImages, customIds, rateImage, regularImages, removeCustomImage, selectImage, type ImageElement, type ImageSelector } from './sidecar-images.ts'
import { findModel } from './targets.ts'

/** What clients draw a model's gallery from. */
export interface GalleryAnswer {
  regular_images: unknown[]
  custom_images: unknown[]
  model_file_path: string
}

export interface ImportOutcome extends GalleryAnswer { files: ExampleImageFile[], errors: string[] }

export interface CustomImages {
  /** @throws NotFoundError, ServiceNotReadyError */
  require (hash: string): void
  /** Takes in what is an image or a video; the incoming files stay the caller's. */
  add (place: ExamplePlace, hash: string, files: readonly IncomingFile[]): Promise<ImportOutcome>
  /** Metadata and file together; the file goes to the bin of the library, as one operation that can be undone. @throws NotFoundError */
  remove (place: ExamplePlace, hash: string, id: string): Promise<GalleryAnswer>
  /** @throws NotFoundError */
  rate (hash: string, selector: ImageSelector, level: number): Promise<GalleryAnswer>
}

export interface CustomImagesDeps {
  libraries: readonly ModelLibrary[]
  editorOf: (type: ModelTypeName) => EditSidecar
  hub: Pick<ProgressHub, 'publish'>
}

const LONGEST_NAME = 120

export function createCustomImages ({ libraries, editorOf, hub }: CustomImagesDeps): CustomImages {
  function modelOf (hash: string): { library: ModelLibrary, model: IndexedModel, document: Record<string, unknown> | undefined } {
    const found = findModel(libraries, hash)
    if (!found) throw new NotFoundError('Model not found', 'model-not-found')
    return { ...found, document: found.library.sidecar(found.model.file_path) }
  }

  async function edit (model: IndexedModel, request: Omit<Parameters<EditSidecar>[0], 'path' | 'kind'>): Promise<GalleryAnswer> {
    const { model: edited, document } = await editorOf(model.type)({ path: model.file_path, kind: 'edit', ...request })
    hub.publish('model.updated', { model_type: edited.type, file_path: edited.file_path })
    return { regular_images: regularImages(document), custom_images: customImages(document), model_file_path: edited.file_path }
  }

  return {
    require (hash) { modelOf(hash) },

    async add (place, hash, incoming) {
      const { model, document } = modelOf(hash)
      const found = await findFolder(place, hash)
      const folder = found?.path ?? hashFolder(place, hash)
      const taken = new Set([...customIds(document), ...(found?.names ?? []).flatMap((name) => customIdOf(name) ?? [])])
      const placed: Placed[] = []
      const errors: string[] = []
      try {
        for (const file of incoming) {
          const outcome = await placeOne(file, place, folder, taken)
          if ('reason' in outcome) errors.push(`${shownName(file.name)}: ${outcome.reason}`)
          else placed.push(outcome)
        }
        if (placed.length === 0) return { ...galleryOf(model, document), files: [], errors }
        const elements = placed.map(({ element }) => element)
        const gallery = await edit(model, { route: 'import-example-images', summary: `${placed.length} example image(s) for ${model.file_name}`, change (fresh) { addCustomImages(fresh, elements) } })
        const relative = found?.relative ?? folder.slice(place.root.length + 1)
        return { ...gallery, files: placed.map(({ name }) => describeFile(relative, name)), errors }
      } catch (error) {
        // A file that no sidecar tells of would never be seen.
        for (const { name } of placed) await unlink(`${folder}/${name}`)
        throw error
      }
    },

    async remove (place, hash, id) {
      const { model, document } = modelOf(hash)
      if (customImages(document).length === 0) throw new NotFoundError('No custom images found for this model', 'custom-images-missing')
      if (!customIds(document).includes(id)) throw new NotFoundError(`Custom image with id ${id} not found`, 'custom-image-missing')
      const found = await findFolder(place, hash)
      const names = (found?.names ?? []).filter((name) => customIdOf(name) === id)
      const bin = `${place.libraryRoot}/${BIN_NAME}/${hash}`
      const inBin = new Set(await namesIn(bin))
      const further = names.map((name) => ({ kind: 'move' as const, from: `${found?.path ?? ''}/${name}`, to: `${bin}/${freeName(name, inBin)}` }))
      return await edit(model, { route: 'delete-example-image', summary: `Delete an example image of ${model.file_name}`, further, change (fresh) { removeCustomImage(fresh, id) } })
    },

    async rate (hash, selector, level) {
      const { model, document } = modelOf(hash)
      if (!selectImage(document, selector)) throw new NotFoundError('The model has no such example image', 'example-image-missing')
      return await edit(model, { route: 'example-images/set-nsfw-level', summary: `Rate an example image of ${model.file_name}`, change (fresh) { rateImage(fresh, selector, level) } })
    }
  }
}

interface Placed { name: string, element: ImageElement }

function galleryOf ({ file_path: path }: IndexedModel, document: Record<string, unknown> | undefined): GalleryAnswer {
  return { regular_images: regularImages(document), custom_images: customImages(document), model_file_path: path }
}

/** By what its bytes are; a name that promises no image is refused all the same, since people choose by names. */
async function placeOne ({ path, name: given }: IncomingFile, place: ExamplePlace, folder: string, taken: Set<string>): Promise<Placed | { reason: string }> {
  if (!isExampleName(basename(given).replace(/^\.+/, ''))) return { reason: 'Unsupported file type' }
  const extension = exampleExtension(sniffMedia(await readHead(path)))
  if (extension === undefined) return { reason: 'The content is no image or video that can be shown' }
  try {
    const facts = await describeMedia(path)
    await makeFolder(place, folder)
    const id = freshId(taken)
    const name = `custom_${id}${extension}`
    await moveFile(path, `${folder}/${name}`)
    return { name, element: customElement(id, { name, ...facts }) }
  } catch (error) {
    const { kind, code, message } = describeFailure(error)
    if (kind === 'storage-full' || code === 'example-images-away') throw new DomainError(kind, code, message)
    return { reason: message }
  }
}

async function readHead (path: string): Promise<Buffer> {
  const file = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SNIFFED_BYTES), 0, SNIFFED_BYTES, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

/** Without folders, of the client or of ours, and without anything that does not belong into a sentence. */
function shownName (name: string): string {
  // eslint-disable-next-line no-control-regex
  return name.replaceAll('\\', '/').split('/').at(-1)?.replaceAll(/[\u0000-\u001f\u007f]/g, '').slice(0, LONGEST_NAME) ?? ''
}
