import { lstat, readFile } from 'node:fs/promises'
import type { Step } from '../journal/types.ts'
import { newSidecar } from '../models/default-sidecar.ts'
import { isWeightFile, stemOf } from '../models/file-set.ts'
import { PREVIEW_EXTENSIONS } from '../models/preview-file.ts'
import { SIDECAR_EXTENSION, inFieldOrder, parseSidecar, serializeSidecar } from '../models/sidecar-file.ts'
import type { FetchedPreview } from './fetch-preview.ts'
import type { DownloadPlan } from './plan.ts'

/** A model that is about to get its name; `modified` in seconds since 1970. */
export interface NewModel { stem: string, extension: string, size: number, sha256: string, modified: number }

/** What a user made of a model stays when its file comes back. */
const OWN_FIELDS = ['notes', 'favorite', 'exclude', 'usage_tips', 'skip_metadata_refresh', 'preview_nsfw_level']

/**
 * The steps that give a new model its sidecar and, unless there is one among the names of its folder, the preview, which is taken
 * over when they run: then `preview` is true.
 */
export async function companionSteps (plan: DownloadPlan, model: NewModel, names: readonly string[], preview: FetchedPreview | null): Promise<{ steps: Step[], preview: boolean }> {
  const { directory } = plan
  const standing = presentPreview(names, model.stem)
  if (standing !== undefined || preview === null) {
    return { steps: [await sidecarStep(plan, model, standing === undefined ? '' : `${directory}/${standing}`, 0)], preview: false }
  }
  const path = `${directory}/${model.stem}${preview.extension}`
  return { steps: [{ kind: 'create', path, from: preview.file }, await sidecarStep(plan, model, path, preview.nsfwLevel)], preview: true }
}

/** By any spelling, for disks that tell no cases apart. A weight file with the same stem owns the companions. */
export function isTaken (names: readonly string[], stem: string, extension: string): boolean {
  const wanted = `${stem}${extension}`.toLowerCase()
  return names.some((name) => name.toLowerCase() === wanted || (isWeightFile(name) && stemOf(name).toLowerCase() === stem.toLowerCase()))
}

function presentPreview (names: readonly string[], stem: string): string | undefined {
  return names.find((name) => name.startsWith(`${stem}.`) && PREVIEW_EXTENSIONS.includes(name.slice(stem.length).toLowerCase()))
}

async function sidecarStep ({ library, directory, fields }: DownloadPlan, { stem, extension, size, sha256, modified }: NewModel, preview: string, level: number): Promise<Step> {
  const path = `${directory}/${stem}${extension}`
  const sidecar = `${directory}/${stem}${SIDECAR_EXTENSION}`
  const { root } = library.contain(path)
  const { type } = library
  const document = newSidecar({
    type: type.name,
    path,
    stem,
    size,
    modified,
    fromCivitai: true,
    preview,
    subType: type.name === 'lora' ? null : root.subType ?? type.defaultSubType
  }, { ...fields, sha256, preview_nsfw_level: level, hash_status: 'completed' })
  const found = await lstat(sidecar).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (found === null) return { kind: 'write', path: sidecar, data: serializeSidecar(document), expected: 'absent' }
  return await withOldSidecar(sidecar, document, { size: found.size, mtimeMs: found.mtimeMs })
}

/** A sidecar whose model had gone: what the user wrote there is kept, and what nobody knows. */
async function withOldSidecar (sidecar: string, document: Record<string, unknown>, expected: { size: number, mtimeMs: number }): Promise<Step> {
  const present = await readFile(sidecar)
  const parsed = parseSidecar(present)
  // One that can't be read is another's business: the model gets another name.
  if ('error' in parsed) return { kind: 'write', path: sidecar, data: serializeSidecar(document), expected: 'absent' }
  const old = parsed.document
  const own = Object.fromEntries(OWN_FIELDS.filter((name) => Object.hasOwn(old, name)).map((name) => [name, old[name]]))
  const unknown = Object.fromEntries(Object.entries(old).filter(([name]) => !Object.hasOwn(document, name)))
  return { kind: 'write', path: sidecar, data: serializeSidecar(inFieldOrder({ ...unknown, ...document, ...own }), present), expected }
}
