import { createSlices } from '../jobs/slices.ts'
import type { IndexedModel } from './entry.ts'
import type { ModelIndex } from './ports.ts'

/**
 * Calls `visit` for each model of an index, in its order; requests get their turn whenever a slice is over, since to make a whole
 * model of every row of a large library takes a second. Models that come meanwhile may be missed, those that go are left out.
 * @param options.excluded the excluded ones too, behind the others
 */
export async function eachModel (index: Pick<ModelIndex, 'entries' | 'excluded'>, visit: (model: IndexedModel) => void, { excluded = false } = {}): Promise<void> {
  const slice = createSlices()
  for (const models of excluded ? [index.entries(), index.excluded()] : [index.entries()]) {
    for (const model of models) {
      visit(model)
      const pause = slice()
      if (pause) await pause
    }
  }
}
