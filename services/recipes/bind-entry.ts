import { readText } from '../models/read-value.ts'
import type { IndexedModel } from '../models/entry.ts'
import { withoutWeightEnding } from './checkpoint-entry.ts'
import { readId } from './float-text.ts'
import type { Binding } from './ports.ts'
import type { ModelLookups } from './resolve-types.ts'

type Entry = Readonly<Record<string, unknown>>

/**
 * Which model an entry of a recipe means. Hashes name one file for ever; a version id names one as long as CivitAI's word is
 * believed; a path or a name only counts where nothing surer is given that says otherwise.
 */
export function bindEntry (lookups: ModelLookups, entry: Entry, baseModel = ''): Binding {
  const hash = readText(entry.hash).toLowerCase()
  const [byHash] = hash === '' ? [] : lookups.byHash(hash)
  if (byHash) return { state: 'bound', by: 'hash', model: byHash }
  const version = readId(entry.modelVersionId) || readId(entry.id)
  const [byVersion] = version === 0 ? [] : lookups.byVersionId(version)
  if (byVersion) return { state: 'bound', by: 'version-id', model: byVersion }
  return hash === '' ? bindByName(lookups, entry, version, baseModel) : { state: 'missing' }
}

function bindByName (lookups: ModelLookups, entry: Entry, version: number, baseModel: string): Binding {
  const name = withoutWeightEnding(readText(entry.file_name)).replace(/^\/+/, '')
  if (name === '') return { state: 'missing' }
  const folder = readText(entry.folder).replaceAll('\\', '/').replace(/^\/+|\/+$/g, '')
  const fits = (model: IndexedModel): boolean => version === 0 || model.civitai?.id === undefined || model.civitai.id === version
  for (const path of [name, ...folder === '' ? [] : [`${folder}/${name}`]]) {
    const [model] = path.includes('/') ? modelsAtPath(lookups, path).filter(fits) : []
    if (model) return { state: 'bound', by: 'path', model }
  }
  const candidates = ofBaseModel(modelsNamed(lookups, name.slice(name.lastIndexOf('/') + 1)).filter(fits), baseModel)
  const [only] = candidates
  if (!only) return { state: 'missing' }
  return candidates.length === 1 ? { state: 'bound', by: 'name', model: only } : { state: 'ambiguous', candidates }
}

/** Models whose folder and stem are this path, case aside. */
export function modelsAtPath (lookups: Pick<ModelLookups, 'lookupAll'>, path: string): IndexedModel[] {
  const wanted = path.toLowerCase()
  return lookups.lookupAll(path).filter((model) => (model.folder === '' ? model.file_name : `${model.folder}/${model.file_name}`).toLowerCase() === wanted)
}

/** Models of this stem, case aside. */
export function modelsNamed (lookups: Pick<ModelLookups, 'lookupAll'>, stem: string): IndexedModel[] {
  const wanted = stem.toLowerCase()
  return lookups.lookupAll(stem).filter(({ file_name: name }) => name.toLowerCase() === wanted)
}

/** Leaves out models that are known to be for another base model. */
export function ofBaseModel (models: readonly IndexedModel[], baseModel: string): IndexedModel[] {
  const wanted = baseModel.trim().toLowerCase()
  if (wanted === '' || wanted === 'unknown') return [...models]
  return models.filter(({ base_model: base }) => ['', 'unknown', wanted].includes(base.trim().toLowerCase()))
}
