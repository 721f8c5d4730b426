import type { Corpus } from './corpus.ts'
import { bareStem, filePathOf, relativePathOf, stripExtension } from './model-path.ts'
import { integerHash, textHash } from './text-hash.ts'
import { positiveId } from './group-key.ts'
import type { IndexedModel } from '../entry.ts'

const withSlashes = (name: string): string => name.replaceAll('\\', '/')
const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/** The model with exactly this path. */
export function modelAt (corpus: Corpus, filePath: string): IndexedModel | undefined {
  for (let slot = corpus.paths.first(textHash(filePath)); slot >= 0; slot = corpus.paths.next(slot)) {
    const model = corpus.model(slot)
    if (model && model.file_path === filePath) return model
  }
  return undefined
}

/** Models whose stem without extensions is that of the name, in the order of the scan. */
function sameStem (corpus: Corpus, name: string): IndexedModel[] {
  const stem = bareStem(baseName(name), corpus.type)
  const found: IndexedModel[] = []
  for (let slot = corpus.stems.first(textHash(stem)); slot >= 0; slot = corpus.stems.next(slot)) {
    const model = corpus.model(slot)
    if (model && bareStem(model.file_name ?? '', corpus.type) === stem) found.push(model)
  }
  return found.sort((a, b) => a.id - b.id)
}

/**
 * Models that a name means (models §1.6), best first: those whose stem or folder/stem it is; else, for a name with
 * folders, those with its base name, first the last one whose folder begins the name. Every scanned extension is ignored.
 */
export function modelsNamed (corpus: Corpus, name: string): IndexedModel[] {
  const wanted = withSlashes(name)
  if (baseName(wanted) === '') return []
  const candidates = sameStem(corpus, wanted)
  const exact: IndexedModel[] = []
  const rest: IndexedModel[] = []
  const bare = bareStem(wanted, corpus.type)
  for (const model of candidates) {
    const stem = bareStem(model.file_name ?? '', corpus.type)
    if (stem === bare || (model.folder !== '' && `${model.folder}/${stem}` === bare)) exact.push(model)
    else rest.push(model)
  }
  // A name written in full beats one that is only the same without its extensions.
  const literal = (model: IndexedModel): number => {
    const own = model.folder === '' || !wanted.includes('/') ? model.file_name : `${model.folder}/${model.file_name}`
    return own === wanted || own === stripExtension(wanted, corpus.type) ? 0 : 1
  }
  exact.sort((a, b) => literal(a) - literal(b))
  if (!wanted.includes('/')) return exact
  const within = rest.filter(({ folder }) => folder !== '' && wanted.startsWith(`${folder}/`)).reverse()
  return [...exact, ...within, ...rest.filter((model) => !within.includes(model))]
}

/** The model at a path relative to its root, else the first whose path ends with it, at the border of a folder. */
export function modelAtRelativePath (corpus: Corpus, relativePath: string): IndexedModel | undefined {
  const wanted = withSlashes(relativePath).replace(/^\/+/, '')
  if (wanted === '') return undefined
  const candidates = sameStem(corpus, wanted)
  const whole = (model: IndexedModel): string => relativePathOf(model)
  const bare = (model: IndexedModel): string => model.folder === '' ? model.file_name : `${model.folder}/${model.file_name}`
  return candidates.find((model) => whole(model) === wanted) ??
    candidates.find((model) => bare(model) === wanted) ??
    candidates.find((model) => filePathOf(model).endsWith(`/${wanted}`)) ??
    candidates.find((model) => `/${bare(model)}`.endsWith(`/${wanted}`))
}

/** Models with this CivitAI version, in the order of the scan. */
export function modelsOfVersion (corpus: Corpus, versionId: number): IndexedModel[] {
  const found: IndexedModel[] = []
  for (let slot = corpus.versions.first(integerHash(versionId)); slot >= 0; slot = corpus.versions.next(slot)) {
    const model = corpus.model(slot)
    if (model && corpus.columns.version[slot] === versionId) found.push(model)
  }
  return found.sort((a, b) => a.id - b.id)
}

export interface LocalVersion { versionId: number, name: string, fileName: string }

/** Models that are files of this CivitAI model, in the order of the scan. */
export function modelsOfCivitai (corpus: Corpus, modelId: number): IndexedModel[] {
  const models: IndexedModel[] = []
  if (!(modelId > 0)) return []
  for (let slot = corpus.groups.first(integerHash(modelId)); slot >= 0; slot = corpus.groups.next(slot)) {
    const model = corpus.model(slot)
    if (model && corpus.columns.group[slot] === modelId) models.push(model)
  }
  return models.sort((a, b) => a.id - b.id)
}

/** One descriptor per local version of a CivitAI model, in the order of the scan. */
export function localVersionsOf (corpus: Corpus, modelId: number): LocalVersion[] {
  const versions = new Map<number, LocalVersion>()
  for (const model of modelsOfCivitai(corpus, modelId)) {
    const versionId = positiveId(model.civitai?.id)
    if (versionId > 0 && !versions.has(versionId)) versions.set(versionId, { versionId, name: model.civitai?.name ?? '', fileName: model.file_name })
  }
  return [...versions.values()]
}
