import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { createStateDatabase } from '../../../services/database/state.ts'
import { createJournal } from '../../../services/journal/journal.ts'
import { sourceArguments } from '../../helpers/source-arguments.ts'

const ROUNDS = 20
/** So many are moved by a thread of their own. */
const MODELS = 40
const quiet = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined }
const suffixes = ['.safetensors', '.webp', '.metadata.json']

/** Where every file of a model lies: `a`, `b` or a batch in the trash. */
function foldersOf (root: string, model: string, trashed: Map<string, string>): string[] {
  return suffixes.flatMap((suffix) => {
    const name = `${model}${suffix}`
    const folders = ['a', 'b'].filter((folder) => existsSync(join(root, folder, name)))
    return [...folders, ...[...trashed].filter(([original]) => original.endsWith(`/${name}`)).map(([, batch]) => batch)]
  })
}

t.test('a process that is killed at any moment leaves every set in one place, complete, once its journal was read', async (t) => {
  const dir = t.testdir({ settings: {}, library: { a: {}, b: {} } })
  const [settings, root] = [join(dir, 'settings'), join(dir, 'library')]
  const models = Array.from({ length: MODELS }, (_, n) => `model-${n}`)
  for (const model of models) {
    for (const suffix of suffixes) writeFileSync(join(root, 'a', `${model}${suffix}`), suffix === '.metadata.json' ? '{"folder":"a"}' : `${model}${suffix}`)
  }
  const outcomes: Record<string, number> = {}
  for (let round = 0; round < ROUNDS; round++) {
    const child = fork(fileURLToPath(new URL('kill-child.ts', import.meta.url)), [settings, root], { execArgv: [...sourceArguments] })
    const exited = once(child, 'exit')
    await once(child, 'message')
    // the moment is the point of the test: any will do
    await delay(5 + Math.random() * 400)
    child.kill('SIGKILL')
    await exited

    const state = createStateDatabase(settings, quiet)
    const journal = createJournal({ state, logger: quiet, roots: () => [{ path: root }] })
    const report = await journal.recover()
    for (const unit of report.operations.flatMap((operation) => operation.units)) outcomes[unit.outcome] = (outcomes[unit.outcome] ?? 0) + 1
    t.same((await journal.recover()).operations, [], 'settled at once')
    const trash = journal.trash.list({ limit: 200 }).items
    const trashed = new Map(trash.flatMap((batch) => batch.items.map((item): [string, string] => [item.original_path, batch.id])))
    const torn = models.filter((model) => {
      const folders = foldersOf(root, model, trashed)
      return folders.length !== suffixes.length || new Set(folders).size !== 1
    })
    t.same(torn, [], `round ${round}: ${JSON.stringify(report.operations.map((operation) => operation.kind))}`)
    for (const batch of trash) await journal.trash.restore(batch.id)
    for (const folder of ['a', 'b']) {
      for (const name of readdirSync(join(root, folder))) {
        const content = readFileSync(join(root, folder, name), 'utf8')
        if (content !== (name.endsWith('.json') ? `{"folder":"${folder}"}` : name)) t.fail(`${folder}/${name} says ${content}`)
      }
    }
    t.notOk(existsSync(join(root, '.modelshelf-trash')), 'nothing is left in the trash')
    state.close()
  }
  mkdirSync(join(root, 'a'), { recursive: true })
  t.comment(JSON.stringify(outcomes))
  t.ok(Object.keys(outcomes).length > 0, `the kills struck in the middle: ${JSON.stringify(outcomes)}`)
})
