import { realpath } from 'node:fs/promises'
import { basename } from 'node:path'
import { NotFoundError } from '../errors.ts'
import type { Conditions } from '../models/byte-range.ts'
import { mediaType } from '../models/preview-file.ts'
import { createPreviewServing, type PreviewAnswer } from '../models/preview-serving.ts'
import { isInside } from './folder-files.ts'
import { isExampleName } from './media-names.ts'
import { isModelHash } from './model-hash.ts'
import { BIN_NAME, type ExamplePlaces } from './places.ts'

export interface StaticRequest extends Conditions {
  /** Below `/example_images_static/`, decoded once. */
  path: string
  /** As it was written, to refuse separators that were encoded. */
  url: string
  headOnly: boolean
}

export interface StaticServing {
  /** @throws NotFoundError, OfflineError */
  open (request: StaticRequest): Promise<PreviewAnswer>
  /** The folder is another one now. */
  reset (): void
}

const FOLDER = /^[A-Za-z0-9_.-]{1,255}$/
/** Images are replaced now and then; a copy is checked after this. */
const CACHE = 'private, max-age=3600'

/** Media files in folders of models and nothing else, from the folder that is configured at that moment; links lead nowhere else. */
export function createStaticServing ({ places }: { places: ExamplePlaces }): StaticServing {
  const serving = createPreviewServing({
    libraries: [],
    folders: () => [places.find()?.root].filter((root) => root !== undefined),
    mediaTypeOf: (path) => isExampleName(basename(path)) ? mediaType(path) : undefined,
    cacheBytes: () => 0
  })
  return {
    async open ({ path, url, ...request }) {
      const place = places.find()
      const relative = /%2f|%5c/i.test(url) ? undefined : exampleAddress(path)
      const file = place && relative && `${place.root}/${relative}`
      if (!file || !await isInside(place.root, file)) throw missing()
      const answer = await serving.open({ ...request, path: await realpath(file) })
      if (answer === 'missing') throw missing()
      return answer.status === 416 ? answer : { ...answer, headers: { ...answer.headers, 'cache-control': CACHE } }
    },
    reset: serving.reset
  }
}

/** `<hash>/<file>` or `<library>/<hash>/<file>`; undefined for everything else. */
export function exampleAddress (path: string): string | undefined {
  const segments = path.split('/')
  const [name = '', hash = '', library, ...more] = segments.reverse()
  const folderOk = library === undefined || (FOLDER.test(library) && !/^\.+$/.test(library) && library !== BIN_NAME)
  const usable = isModelHash(hash) && folderOk && more.length === 0 && isExampleName(name) && !name.includes('\\') && !name.includes('\0')
  return usable ? path : undefined
}

function missing (): NotFoundError {
  return new NotFoundError('There is no such example image')
}
