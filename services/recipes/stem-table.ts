import type { IndexedModel } from '../models/entry.ts'
import type { ModelIndex } from '../models/ports.ts'

/** Models by the base name of their file, whatever its case. */
export interface StemTable {
  find (stem: string): readonly IndexedModel[]
}

/** Made at its first use and anew when the index has changed. */
export function createStemTable (index: Pick<ModelIndex, 'version' | 'entries'>): StemTable {
  let version = -1
  let table = new Map<string, IndexedModel[]>()

  function fresh (): Map<string, IndexedModel[]> {
    if (version === index.version) return table
    version = index.version
    table = new Map()
    for (const model of index.entries()) {
      const key = model.file_name.toLowerCase()
      const known = table.get(key)
      if (known) known.push(model)
      else table.set(key, [model])
    }
    return table
  }

  return { find: (stem) => fresh().get(stem.toLowerCase()) ?? [] }
}
