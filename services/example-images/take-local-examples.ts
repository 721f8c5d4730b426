import { constants } from 'node:fs'
import { copyFile, stat, unlink, utimes } from 'node:fs/promises'
import { ownTempPath } from '../files/atomic-write.ts'
import { moveFile } from '../files/move-file.ts'
import { describeMedia } from './describe-media.ts'
import type { EditSidecar } from '../models/edit-sidecar.ts'
import type { ModelLibrary } from '../models/ports.ts'
import { isObject } from '../models/read-value.ts'
import type { ModelTypeName } from '../models/types.ts'
import { customElement, imageElement } from './image-element.ts'
import { localExampleId, type LocalExamples } from './local-examples.ts'
import { makeFolder } from './make-folder.ts'
import { customIdOf, extensionOf, positionOf } from './media-names.ts'
import type { ExamplePlace } from './places.ts'
import { addCustomImages, appendRegularImages, customIds, regularImages, type ImageElement } from './sidecar-images.ts'
import type { Target } from './targets.ts'

export interface TakeRequest {
  target: Target
  path: string
  place: ExamplePlace
  folder: string
  /** What lies in the folder already. */
  names: readonly string[]
  examples: LocalExamples
}

/** `all`: nobody else knows images of the model, so it is complete with these; `some`: the others are still to be fetched. */
export type TakeLocalExamples = (request: TakeRequest) => Promise<'none' | 'some' | 'all'>

export interface TakeDeps {
  libraryOf: (type: ModelTypeName) => ModelLibrary
  editorOf: (type: ModelTypeName) => EditSidecar
}

/**
 * Takes in the examples that lie beside a model: as its regular images where its metadata names none, else as custom ones,
 * so that they never stand in the place of an image with another prompt.
 */
export function createTakeLocalExamples ({ libraryOf, editorOf }: TakeDeps): TakeLocalExamples {
  return async ({ target, path, place, folder, names, examples }) => {
    const files = await examples.of(path)
    if (files.length === 0) return 'none'
    const document = libraryOf(target.type).sidecar(path)
    const images = regularImages(document)
    const hasImages = images.some((image) => !isObject(image) || image.url !== '')
    const known = new Set(names.flatMap((name) => (hasImages ? customIdOf(name) : positionOf(name)?.toString()) ?? []))
    const told = new Set(hasImages ? customIds(document) : images.map((_image, position) => String(position)))
    const added: ImageElement[] = []
    for (const [position, file] of files.entries()) {
      const id = hasImages ? localExampleId(file) : String(position)
      const name = `${hasImages ? 'custom_' : 'image_'}${id}${extensionOf(file)}`
      if (!known.has(id)) await copyIn(file, place, folder, name)
      if (told.has(id)) continue
      const facts = { name, ...await describeMedia(file) }
      added.push(hasImages ? customElement(id, facts) : imageElement(facts))
    }
    if (added.length > 0) {
      await editorOf(target.type)({
        path,
        kind: 'sync',
        route: 'download-example-images',
        summary: `Examples beside ${target.name}`,
        change: (present) => { hasImages ? addCustomImages(present, added) : appendRegularImages(present, added) }
      })
    }
    return hasImages ? 'some' : 'all'
  }
}

async function copyIn (from: string, place: ExamplePlace, folder: string, name: string): Promise<void> {
  await makeFolder(place, folder)
  const temporary = ownTempPath(`${folder}/${name}`)
  try {
    await copyFile(from, temporary, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    const { atime, mtime } = await stat(from)
    await utimes(temporary, atime, mtime)
    await moveFile(temporary, `${folder}/${name}`)
  } finally {
    await unlink(temporary).catch((error: NodeJS.ErrnoException) => { if (error.code !== 'ENOENT') throw error })
  }
}
