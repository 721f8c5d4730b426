import { sep } from 'node:path'
import { InvalidInputError } from '../../services/errors.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import { firstValue } from '../../services/query-values.ts'
import type { RawQuery } from './parse-list-query.ts'

export interface LoadableModel { name: string, base_model: string }

const SUB_TYPES: readonly string[] = ['checkpoint', 'diffusion_model']

/** Checkpoints that a loader can take now: below their root, with the separators of this system, without those on absent disks. */
export const listLoaderPool = ({ library }: { library: ModelLibrary }) => (query: RawQuery): LoadableModel[] => {
  const wanted = firstValue(query.sub_type) ?? 'checkpoint'
  if (!SUB_TYPES.includes(wanted)) throw new InvalidInputError('sub_type must be "checkpoint" or "diffusion_model"')
  const away = new Set(library.rootStatus().filter(({ state }) => state === 'offline' || state === 'suspect').map(({ id }) => id))
  const prefixes = new Map(library.roots().filter(({ id }) => !away.has(id)).map(({ id, path }) => [id, path.endsWith('/') ? path : `${path}/`]))
  const items: LoadableModel[] = []
  for (const model of library.index.entries()) {
    const prefix = prefixes.get(model.root_id)
    if (prefix === undefined || (model.sub_type ?? library.type.defaultSubType) !== wanted || !model.file_path.startsWith(prefix)) continue
    items.push({ name: model.file_path.slice(prefix.length).replaceAll('/', sep), base_model: model.base_model })
  }
  return items.sort((a, b) => a.name < b.name ? -1 : Number(a.name > b.name))
}
