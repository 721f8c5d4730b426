import { readdir } from 'node:fs/promises'
import { basename, dirname, extname } from 'node:path'
import { NotFoundError } from '../errors.ts'
import { stemOf } from './file-set.ts'
import { mediaType } from './preview-file.ts'
import { previewUrl } from './preview-url.ts'

export interface ExampleFile {
  name: string
  /** Address to show it with. */
  path: string
  extension: string
  is_video: boolean
}

/** The `<n>` of `<stem>.example.<n>.<ext>`; what is no number comes last. */
function numberOf (name: string, prefix: string): number {
  const part = name.slice(prefix.length).split('.')[0] ?? ''
  return /^\d+$/.test(part) ? Number(part) : Infinity
}

/**
 * Media files `<stem>.example.<n>.*` beside a model, by number.
 * @throws NotFoundError when the folder is gone
 */
export async function listExampleFiles (modelPath: string): Promise<ExampleFile[]> {
  const folder = dirname(modelPath)
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') throw new NotFoundError('Model directory not found')
    throw error
  })
  const prefix = `${stemOf(basename(modelPath))}.example.`
  const own = names.filter((name) => name.startsWith(prefix) && mediaType(name) !== undefined)
  const numbered = own.map((name) => ({ name, number: numberOf(name, prefix) }))
  numbered.sort((a, b) => a.number - b.number || (a.name < b.name ? -1 : 1))
  return numbered.map(({ name }) => ({
    name,
    path: previewUrl(`${folder === '/' ? '' : folder}/${name}`),
    extension: extname(name).toLowerCase(),
    is_video: mediaType(name)?.startsWith('video/') === true
  }))
}
