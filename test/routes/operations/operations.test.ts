import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { FormatRegistry } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import fc from 'fast-check'
import t from 'tap'
import { OperationDetailSchema, OperationSchema, TrashBatchSchema } from '../../../routes/operations/schemas.ts'
import { startTrashJanitor } from '../../../services/journal/trash-janitor.ts'
import type { OperationDetail, OperationView, TrashBatch } from '../../../services/journal/types.ts'
import { putFile, putModel, runningApp, type RunningApp } from '../../helpers/running-app.ts'
import { treeOf } from '../../helpers/tree.ts'

FormatRegistry.Set('date-time', (text) => /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text))

const path = (run: RunningApp, name: string): string => join(run.roots.loras, `${name}.safetensors`)
const operations = async (run: RunningApp): Promise<OperationView[]> => (await run.get('/api/v1/operations?limit=200')).json.items as OperationView[]
const trash = async (run: RunningApp): Promise<TrashBatch[]> => (await run.get('/api/v1/trash')).json.items as TrashBatch[]
const shown = (run: RunningApp): string[] => [...run.app.core.models.loras.index.entries()].map((entry) => entry.file_path).sort()

async function remove (run: RunningApp, ...names: string[]): Promise<string> {
  return (await run.post('/api/lm/loras/bulk-delete', { file_paths: names.map((name) => path(run, name)) })).json.batch_id as string
}

t.test('operations are listed newest first, shown with all changes, and undone long after the window of the toast', async (t) => {
  const run = await runningApp(t, { prepare ({ loras }) { for (const name of ['a', 'b', 'c']) putModel(loras, name, { tags: ['x'] }) } })
  const before = treeOf(run.directory)
  const first = await remove(run, 'a', 'b')
  await run.post('/api/lm/loras/save-metadata', { file_path: path(run, 'c'), notes: 'n' })
  const all = await operations(run)
  t.strictSame(all.map(({ kind, route, state, undoable }) => ({ kind, route, state, undoable })), [
    { kind: 'edit', route: 'save-metadata', state: 'done', undoable: true }, { kind: 'bulk-delete', route: 'bulk-delete', state: 'done', undoable: true }
  ])
  for (const one of all) t.ok(Value.Check(OperationSchema, one), [...Value.Errors(OperationSchema, one)].map(({ path, message }) => `${path} ${message}`).join())
  const page = (await run.get('/api/v1/operations?limit=1')).json
  t.equal(page.next, all[0]?.id)
  t.match((await run.get(`/api/v1/operations?limit=1&after=${page.next as string}`)).json, { items: [{ id: first }], next: null })
  const detail = (await run.get(`/api/v1/operations/${first}`)).json as unknown as OperationDetail
  t.strictSame(detail.unit_list.map(({ key }) => key), [path(run, 'a'), path(run, 'b')])
  t.equal((await run.get('/api/v1/operations/nothing')).status, 404)
  t.equal((await run.post('/api/v1/operations/nothing/undo')).status, 404)
  t.match(await run.post('/api/lm/undo-delete', { batch_id: all[0]?.id }), { status: 404 })

  for (const { id } of all) {
    const undone = await run.post(`/api/v1/operations/${id}/undo`)
    t.match(undone, { status: 200, json: { operation: { id, state: 'undone' }, undo: { undo_of: id, state: 'done' } } })
    t.ok(Value.Check(OperationDetailSchema, undone.json.undo))
  }
  t.strictSame(treeOf(run.directory), before)
  t.strictSame(shown(run), ['a', 'b', 'c'].map((name) => path(run, name)))
  t.match((await run.get('/api/lm/loras/top-tags')).json.tags, [{ tag: 'x', count: 3 }])
  t.match(await run.post(`/api/v1/operations/${first}/undo`), { status: 409, json: { code: 'undo-refused', reasons: [String] } })
  t.equal(run.events.filter((event) => event.type === 'operation.finished').length, 2)
})

t.test('an undo that would overwrite something is refused with the reasons, and touches nothing', async (t) => {
  const run = await runningApp(t, { prepare ({ loras }) { for (const name of ['a', 'b']) putModel(loras, name) } })
  const id = await remove(run, 'a', 'b')
  putFile(path(run, 'b'), 'somebody put another file here')
  const before = treeOf(run.directory)
  t.match(await run.post(`/api/v1/operations/${id}/undo`), { status: 409, json: { success: false, code: 'undo-refused', reasons: [/b\.safetensors/] } })
  t.strictSame(treeOf(run.directory), before)
  const edited = await run.post('/api/lm/loras/save-metadata', { file_path: path(run, 'a'), notes: 'x' })
  t.equal(edited.status, 404)
})

t.test('the trash lists what is in it, gives back batches and single files, and is emptied only as far as asked', async (t) => {
  // A model that comes back before its sidecar would be given one, or have its hash written into the one that comes.
  const run = await runningApp(t, { settings: { write_sidecars: 'on_edit' }, prepare ({ loras }) { for (const name of ['a', 'b', 'c', 'd']) putModel(loras, name) } })
  const before = treeOf(run.directory)
  const first = await remove(run, 'a', 'b')
  const second = await remove(run, 'c')
  const third = await remove(run, 'd')
  const batches = await trash(run)
  t.strictSame(batches.map(({ id }) => id), [third, second, first])
  for (const batch of batches) t.ok(Value.Check(TrashBatchSchema, batch))
  t.equal(batches[2]?.items.length, 4)

  const item = batches[0]?.items.find((one) => one.original_path === path(run, 'd'))
  t.match(await run.post(`/api/v1/trash/${item?.id}/restore`), { status: 200, json: { operation: { kind: 'restore', state: 'done' } } })
  t.strictSame(shown(run), [path(run, 'd')])
  t.equal((await run.post(`/api/v1/trash/${third}/restore`)).status, 200)
  t.equal((await run.post(`/api/v1/trash/${first}/restore`)).status, 200)
  t.equal((await run.post(`/api/v1/trash/${first}/restore`)).status, 404)
  t.equal((await run.post('/api/v1/trash/nothing/restore')).status, 404)
  t.equal((await run.call('DELETE', '/api/v1/trash')).status, 400, 'what is meant must be said')
  t.equal((await run.call('DELETE', '/api/v1/trash?older_than_days=-1')).status, 400)
  t.match((await run.call('DELETE', '/api/v1/trash?older_than_days=1')).json, { success: true, removed: 0 })
  t.match((await run.call('DELETE', '/api/v1/trash?older_than_days=0')).json, { removed: 2, kept: [] })
  t.strictSame(await trash(run), [])
  t.match(await run.post(`/api/v1/operations/${second}/undo`), { status: 409 })
  const { 'loras/c.metadata.json': _, 'loras/c.safetensors': __, ...rest } = before
  t.strictSame(treeOf(run.directory), rest)
  t.notOk(existsSync(join(run.roots.loras, '.modelshelf-trash')))
})

t.test('the janitor removes what is old enough, and what exceeds the size, but nothing fresh', async (t) => {
  const run = await runningApp(t, { prepare ({ loras }) { for (const name of ['a', 'b']) putModel(loras, name) } })
  const { journal } = run.app.core
  const values: Record<string, unknown> = { trash_retention_days: 30, trash_max_gb: 0.000000001 }
  const settings = { get: <Value>(key: string) => values[key] as Value }
  const log: string[] = []
  const janitor = startTrashJanitor({ journal, settings, logger: { info: (_: unknown, text?: string) => { log.push(text ?? '') }, warn () {}, error () {}, debug () {} } })
  const old = await remove(run, 'a')
  const fresh = await remove(run, 'b')
  await janitor.clean()
  t.equal((await trash(run)).length, 2, 'both are fresh')
  run.app.core.state.db.prepare('UPDATE journal_trash SET trashed_at = trashed_at - ? WHERE operation = ?').run(31 * 24 * 60 * 60 * 1000, old)
  values.trash_retention_days = 0
  values.trash_max_gb = 0
  await janitor.clean()
  t.equal((await trash(run)).length, 2, '0 is no limit')
  values.trash_retention_days = 30
  await janitor.clean()
  t.strictSame((await trash(run)).map(({ id }) => id), [fresh])
  t.equal(log.length, 1)
  await janitor.close()
})

t.test('any sequence of changes followed by their undos gives back the very tree and lists', async (t) => {
  const names = ['a', 'b', 'sub/c', 'sub/c.v2', 'd']
  const run = await runningApp(t, {
    prepare ({ loras }) {
      for (const name of names) putModel(loras, name, name === 'd' ? null : { tags: [name] })
      putFile(join(loras, 'sub/c.preview.png'), 'picture')
    }
  })
  const name = fc.constantFrom(...names)
  const change = fc.oneof(
    fc.record({ route: fc.constant('delete'), body: name.map((one) => ({ file_path: path(run, one) })) }),
    fc.record({ route: fc.constant('bulk-delete'), body: fc.uniqueArray(name, { minLength: 1 }).map((some) => ({ file_paths: some.map((one) => path(run, one)) })) }),
    fc.record({ route: fc.constant('save-metadata'), body: fc.tuple(name, fc.dictionary(fc.constantFrom('notes', 'model_name', 'own'), fc.string())).map(([one, fields]) => ({ ...fields, file_path: path(run, one) })) }),
    fc.record({ route: fc.constant('add-tags'), body: fc.tuple(name, fc.array(fc.string())).map(([one, tags]) => ({ file_path: path(run, one), tags })) }),
    fc.record({ route: fc.constant('exclude'), body: name.map((one) => ({ file_path: path(run, one) })) })
  )
  const index = run.app.core.models.loras.index
  const look = () => [...index.entries(), ...index.excluded()].map(({ id: _, ...entry }) => entry).sort((one, two) => one.file_path < two.file_path ? -1 : 1)
  const before = { tree: treeOf(run.directory), list: look() }
  let undone = 0
  await fc.assert(fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
    const known = new Set((await operations(run)).map(({ id }) => id))
    for (const { route, body } of changes) {
      const { status } = await run.post(`/api/lm/loras/${route}`, body)
      if (![200, 404].includes(status)) throw new Error(`${route} answered ${status}`)
    }
    for (const { id, state } of await operations(run)) {
      if (known.has(id) || state !== 'done') continue
      const { status, text } = await run.post(`/api/v1/operations/${id}/undo`)
      if (status !== 200) throw new Error(`undo answered ${status}: ${text}`)
      undone++
    }
    const after = { tree: treeOf(run.directory), list: look() }
    if (JSON.stringify(after) !== JSON.stringify(before)) throw new Error('not as before')
  }), { numRuns: 15 })
  t.ok(undone > 15, `${undone} operations were undone`)
})
