import { lstat, readFile, readdir } from 'node:fs/promises'
import { posix } from 'node:path'
import { ConflictError } from '../errors.ts'
import type { Step, Unit } from '../journal/types.ts'
import { defaultSidecar } from './default-sidecar.ts'
import type { IndexedModel } from './entry.ts'
import { isWeightFile, stemOf } from './file-set.ts'
import { PREVIEW_EXTENSIONS } from './preview-file.ts'
import { SIDECAR_EXTENSION, parseSidecar, serializeSidecar } from './sidecar-file.ts'

/** An example image beside the model serves as a preview where there is no other, but is none. */
const EXAMPLE_ENDING = '.example.0.jpeg'

export interface NewPreview {
  /** A finished file under a temporary name in the model's folder. */
  file: string
  /** Ending that it gets, with the dot. */
  extension: string
  nsfwLevel: number
}

/**
 * Plans that a model gets another preview: the new file, the former ones of every form to the trash, the sidecar in step,
 * all of it or nothing. The caller holds the path.
 * @throws ConflictError for a sidecar that can't be read: it is never written over
 */
export async function planPreviewChange (model: IndexedModel, preview: NewPreview): Promise<Unit> {
  const directory = posix.dirname(model.file_path)
  const main = posix.basename(model.file_path)
  const target = `${directory}/${stemOf(main)}${preview.extension}`
  const former = previewsOf(main, await readdir(directory)).map((name) => `${directory}/${name}`)
  // Whatever bears the very name makes room first; the new file lies on the disk already.
  const inTheWay = former.filter((path) => path.toLowerCase() === target.toLowerCase())
  const others = former.filter((path) => !inTheWay.includes(path))
  const trash = (path: string): Step => ({ kind: 'trash', path })
  const steps: Step[] = [
    ...inTheWay.map(trash),
    { kind: 'create', path: target, from: preview.file },
    ...others.map(trash),
    await sidecarStep(model, { preview_url: target, preview_nsfw_level: preview.nsfwLevel })
  ]
  return { key: model.file_path, label: main, steps }
}

/** Previews of a model among the names of its folder; those of a model with a longer stem are not its own. */
function previewsOf (main: string, names: readonly string[]): string[] {
  const stem = stemOf(main)
  const longer = names.filter((name) => isWeightFile(name) && stemOf(name).startsWith(`${stem}.`)).map((name) => `${stemOf(name)}.`)
  return names.filter((name) => {
    if (!name.startsWith(`${stem}.`) || longer.some((prefix) => name.startsWith(prefix))) return false
    const ending = name.slice(stem.length).toLowerCase()
    return ending !== EXAMPLE_ENDING && PREVIEW_EXTENSIONS.includes(ending)
  })
}

async function sidecarStep (model: IndexedModel, fields: Record<string, unknown>): Promise<Step> {
  const path = model.file_path.slice(0, -posix.extname(model.file_path).length) + SIDECAR_EXTENSION
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (found === null) return { kind: 'write', path, data: serializeSidecar({ ...defaultSidecar(model), ...fields }), expected: 'absent' }
  const present = await readFile(path)
  const parsed = parseSidecar(present)
  if ('error' in parsed) throw new ConflictError(`The preview is not changed: ${parsed.error}`, 'sidecar-broken')
  return { kind: 'write', path, data: serializeSidecar({ ...parsed.document, ...fields }, present), expected: { size: found.size, mtimeMs: found.mtimeMs } }
}
