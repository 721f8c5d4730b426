/** Moves, deletes and undoes without end, until it is killed. argv: settings directory, root. */
import { readdirSync } from 'node:fs'
import { createStateDatabase } from '../../../services/database/state.ts'
import { createJournal, newOperationId } from '../../../services/journal/journal.ts'
import type { Step } from '../../../services/journal/types.ts'

const [settings = '', root = ''] = process.argv.slice(2)
const quiet = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined }
const journal = createJournal({ state: createStateDatabase(settings, quiet), logger: quiet, roots: () => [{ path: root }] })
const suffixes = ['.safetensors', '.webp', '.metadata.json']

function moveSteps (model: string, from: string, to: string): Step[] {
  return [
    ...suffixes.map((suffix): Step => ({ kind: 'move', from: `${root}/${from}/${model}${suffix}`, to: `${root}/${to}/${model}${suffix}` })),
    { kind: 'write', path: `${root}/${to}/${model}.metadata.json`, data: `{"folder":"${to}"}` }
  ]
}

await journal.recover()
process.send?.('running')
for (;;) {
  for (const [from, to] of [['a', 'b'], ['b', 'a']] as const) {
    const models = readdirSync(`${root}/${from}`).filter((name) => name.endsWith('.safetensors')).map((name) => name.slice(0, -'.safetensors'.length))
    const units = models.map((model) => ({ key: model, label: model, steps: moveSteps(model, from, to) }))
    const { id } = await journal.run({ kind: 'bulk-move', route: 'test', summary: 'move', units })
    if (to === 'b') await journal.undo(id)
    const deletion = newOperationId()
    const [model] = models
    const folder = to === 'b' ? from : to
    if (model !== undefined) {
      const steps = suffixes.map((suffix): Step => ({ kind: 'trash', path: `${root}/${folder}/${model}${suffix}` }))
      await journal.run({ id: deletion, kind: 'delete', route: 'test', summary: 'delete', units: [{ key: model, label: model, steps }] })
      await journal.undo(deletion)
    }
  }
}
