import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { putFile, putModel, runningApp, type RunningApp } from '../../helpers/running-app.ts'
import { treeOf } from '../../helpers/tree.ts'

const changes = (run: RunningApp) => run.frames.filter((frame) => frame.type === 'models_changed').length

async function listed (run: RunningApp, prefix = 'loras'): Promise<string[]> {
  const { json } = await run.get(`/api/lm/${prefix}/list?page_size=100`)
  return (json as { items: { file_name: string }[] }).items.map((item) => item.file_name)
}

async function tags (run: RunningApp): Promise<unknown> {
  return (await run.get('/api/lm/loras/top-tags?limit=0')).json.tags
}

t.test('a deleted model leaves disk, lists and look-ups with all that belongs to it, and undo brings every byte back', async (t) => {
  const run = await runningApp(t, {
    prepare ({ loras }) {
      putModel(loras, 'style/a', { tags: ['anime', 'x'] })
      putModel(loras, 'style/b', { tags: ['anime'] })
      putModel(loras, 'style/a.v2')
      putFile(join(loras, 'style/a.preview.png'), 'picture')
      putFile(join(loras, 'style/a.civitai.info'), '{}')
      putFile(join(loras, 'style/a.metadata.json.bak'), 'old')
    }
  })
  const path = join(run.roots.loras, 'style/a.safetensors')
  const before = treeOf(run.directory, 'loras')
  const tagsBefore = await tags(run)
  const entry = run.app.core.models.loras.index.get(path)
  const deleted = await run.post('/api/lm/loras/delete', { file_path: path })
  t.match(deleted, { status: 200, json: { success: true, deleted_files: [], batch_id: /^[0-9a-f]{32}$/ } })
  t.equal(changes(run), 1)
  t.strictSame(Object.keys(treeOf(run.directory, 'loras')), ['loras/style/', 'loras/style/a.v2.metadata.json', 'loras/style/a.v2.safetensors', 'loras/style/b.metadata.json', 'loras/style/b.safetensors'])
  t.strictSame((await listed(run)).sort(), ['a.v2', 'b'])
  t.same(await tags(run), [{ tag: 'anime', count: 1 }])
  t.equal((await run.get('/api/lm/loras/info/a')).status, 404)
  t.strictSame(run.app.core.models.loras.index.byHash(entry?.sha256 ?? ''), [])
  t.match(run.events.find((event) => event.type === 'model.deleted'), { operation: deleted.json.batch_id, data: { model_type: 'lora', file_path: path } })

  const undone = await run.post('/api/lm/undo-delete', { batch_id: deleted.json.batch_id })
  t.match(undone, { status: 200, json: { success: true, kind: 'model' } })
  t.strictSame([...undone.json.restored as string[]].sort(), ['a.civitai.info', 'a.metadata.json', 'a.metadata.json.bak', 'a.preview.png', 'a.safetensors'].map((name) => join(run.roots.loras, 'style', name)))
  t.strictSame(treeOf(run.directory, 'loras'), before)
  t.same(await tags(run), tagsBefore)
  const { id: _, ...back } = run.app.core.models.loras.index.get(path) ?? { id: 0 }
  const { id: __, ...was } = entry ?? { id: 0 }
  t.strictSame(back, was)
  t.equal(changes(run), 2)
  t.match(await run.post('/api/lm/undo-delete', { batch_id: deleted.json.batch_id }), { status: 404, json: { error: /Unknown batch id/ } })
  t.notOk(existsSync(join(run.roots.loras, '.modelshelf-trash')), 'no empty trash is left behind')
  const scan = await run.get('/api/lm/loras/scan')
  t.match(scan, { status: 200 })
  t.strictSame((await listed(run)).sort(), ['a', 'a.v2', 'b'])
})

t.test('what may not be deleted is refused, and what is gone already is forgotten', async (t) => {
  const run = await runningApp(t, { prepare ({ loras }) { for (const name of ['a', 'b']) putModel(loras, name) } })
  const { loras, checkpoints } = run.roots
  const before = treeOf(run.directory)
  const remove = async (body: unknown) => await run.post('/api/lm/loras/delete', body)
  for (const body of [{}, { file_path: 7 }, { file_path: ' ' }]) t.match(await remove(body), { status: 400, json: { success: false, error: 'Model path is required' } })
  t.match(await remove({ file_path: `${loras}/../x.safetensors` }), { status: 400, json: { code: 'path-outside-library' } })
  t.equal((await remove({ file_path: `${checkpoints}/x.safetensors` })).status, 400, 'a root of another type')
  t.match(await remove({ file_path: loras }), { status: 400, json: { code: 'path-is-root' } })
  t.equal((await remove({ file_path: `${loras}/a.metadata.json` })).status, 404, 'no model of the index')
  t.equal(treeOf(run.directory)['loras/a.metadata.json'], before['loras/a.metadata.json'])
  t.equal(changes(run), 0)

  rmSync(`${loras}/a.safetensors`)
  t.match(await remove({ file_path: `${loras}/a.safetensors` }), { status: 200, json: { success: true, deleted_files: [], batch_id: null } })
  t.strictSame(await listed(run), ['b'])
  t.match(await remove({ file_path: `${loras}/a.safetensors` }), { status: 200, json: { batch_id: null } })

  renameSync(loras, `${loras}-away`)
  mkdirSync(loras)
  t.match(await remove({ file_path: `${loras}/b.safetensors` }), { status: 503, json: { code: 'root-offline' } })
  t.strictSame(await listed(run), ['b'], 'a disk that is away takes nothing with it')
})

t.test('a link is deleted, never what it leads to', async (t) => {
  const run = await runningApp(t, {
    prepare ({ loras }, directory) {
      putModel(loras, 'a')
      putFile(join(directory, 'elsewhere/real.safetensors'), readFileSync(putModel(join(directory, 'elsewhere'), 'x', null)))
      symlinkSync(join(directory, 'elsewhere/real.safetensors'), join(loras, 'link.safetensors'))
    }
  })
  const path = join(run.roots.loras, 'link.safetensors')
  t.ok(run.app.core.models.loras.index.get(path))
  const { json } = await run.post('/api/lm/loras/delete', { file_path: path })
  t.ok(existsSync(join(run.directory, 'elsewhere/real.safetensors')))
  t.notOk(existsSync(path))
  t.equal((await run.post('/api/lm/undo-delete', { batch_id: json.batch_id })).status, 200)
  t.equal(readFileSync(path, 'utf8').includes('weights'), true)
})

t.test('many are deleted as one operation: judged before anything is touched, undone as one', async (t) => {
  const run = await runningApp(t, {
    prepare ({ loras }) {
      for (const name of ['x/same', 'y/same', 'z', 'keep']) putModel(loras, name)
      putModel(loras, 'pair')
    }
  })
  const path = (name: string) => join(run.roots.loras, `${name}.safetensors`)
  const remove = async (paths: unknown) => await run.post('/api/lm/loras/bulk-delete', { file_paths: paths })
  const before = treeOf(run.directory)
  for (const paths of [undefined, [], 'x']) t.match(await remove(paths), { status: 400, json: { success: false, error: 'No file paths provided for deletion' } })
  t.equal((await remove([path('z'), '/etc/passwd'])).status, 400)
  t.strictSame(treeOf(run.directory), before, 'one path outside: nothing is touched')

  rmSync(path('keep'))
  const { json, status } = await remove([path('x/same'), path('y/same'), path('z'), path('keep'), `${run.roots.loras}/pair.metadata.json`])
  t.equal(status, 200)
  t.match(json, { success: true, status: 'success', total_deleted: 3, total_attempted: 5, cache_updated: true, batch_id: /^[0-9a-f]{32}$/ })
  const results = json.results as { file_path: string, success: boolean, error?: string }[]
  t.strictSame(results.map(({ success }) => success), [true, true, true, false, false], 'a file that was gone is forgotten, but nothing was deleted')
  for (const at of [3, 4]) t.type(results[at]?.error, 'string')
  t.strictSame(await listed(run), ['pair'])
  t.equal(changes(run), 1)
  t.match((await run.get('/api/v1/operations?limit=1')).json, { items: [{ id: json.batch_id, kind: 'bulk-delete', state: 'done', undoable: true }] })
  t.equal((await run.post('/api/lm/undo-delete', { batch_id: json.batch_id })).status, 200)
  t.strictSame((await listed(run)).sort(), ['pair', 'same', 'same', 'z'])
  const { 'loras/keep.safetensors': _, ...rest } = before
  t.strictSame(treeOf(run.directory), { ...rest })
})

t.test('cancel-task stops a bulk delete before the next model; what was done is told, settled and undone as a whole', async (t) => {
  const names = Array.from({ length: 300 }, (_, n) => `m${n}`)
  const run = await runningApp(t, { prepare ({ loras }) { for (const name of names) putModel(loras, name) } })
  const before = treeOf(run.directory)
  await run.post('/api/lm/loras/cancel-task')
  const pending = run.post('/api/lm/loras/bulk-delete', { file_paths: names.map((name) => join(run.roots.loras, `${name}.safetensors`)) })
  while (existsSync(join(run.roots.loras, 'm3.safetensors'))) await new Promise((resolve) => setImmediate(resolve))
  await run.post('/api/lm/loras/cancel-task')
  const { json } = await pending
  const results = json.results as { file_path: string, success: boolean }[]
  t.equal(json.status as unknown, 'cancelled')
  t.equal(json.total_deleted as unknown, results.length)
  t.ok(results.length >= 3 && results.length < 300, 'a part')
  for (const name of names) {
    const path = join(run.roots.loras, `${name}.safetensors`)
    const gone = results.some((result) => result.file_path === path)
    if (existsSync(path) === gone || (run.app.core.models.loras.index.get(path) === undefined) !== gone) t.fail(`${name} is in between`)
  }
  t.equal((await run.post('/api/lm/undo-delete', { batch_id: json.batch_id })).status, 200)
  t.strictSame(treeOf(run.directory), before)
  t.equal((await listed(run)).length, 100)
})

t.test('two weight files of one name share their companions until the last of them goes', async (t) => {
  const run = await runningApp(t, {
    prepare ({ checkpoints }) {
      putModel(checkpoints, 'm')
      putFile(join(checkpoints, 'm.ckpt'), 'other weights')
      putFile(join(checkpoints, 'm.png'), 'picture')
    }
  })
  const { checkpoints } = run.roots
  await run.post('/api/lm/checkpoints/delete', { file_path: `${checkpoints}/m.ckpt` })
  t.ok(existsSync(`${checkpoints}/m.metadata.json`) && existsSync(`${checkpoints}/m.png`) && existsSync(`${checkpoints}/m.safetensors`))
  putFile(join(checkpoints, 'm.ckpt'), 'other weights')
  await run.get('/api/lm/checkpoints/scan')
  await run.idle()
  const { json } = await run.post('/api/lm/checkpoints/bulk-delete', { file_paths: [`${checkpoints}/m.ckpt`, `${checkpoints}/m.safetensors`] })
  t.match(json, { total_deleted: 2 })
  t.strictSame(Object.keys(treeOf(checkpoints)), [])
})

t.test('undo knows its window, also after a restart, and leaves alone what has changed', async (t) => {
  let run = await runningApp(t, { prepare ({ loras }) { for (const name of ['a', 'b', 'c']) putModel(loras, name) } })
  const path = (name: string) => join(run.roots.loras, `${name}.safetensors`)
  const undo = async (id: unknown) => await run.post('/api/lm/undo-delete', { batch_id: id })
  t.match(await undo(undefined), { status: 400, json: { error: 'batch_id is required' } })
  t.match(await undo(5), { status: 400, json: { error: 'batch_id is required' } })
  for (const bad of ['../../x', 'ABCDEF', 'f'.repeat(31), 'F'.repeat(32)]) t.match(await undo(bad), { status: 400, json: { error: 'Invalid batch_id' } })
  t.equal((await run.post('/api/lm/undo-delete', [])).status, 400)
  t.match(await undo('f'.repeat(32)), { status: 404, json: { error: `Unknown batch id: ${'f'.repeat(32)}` } })

  const before = treeOf(run.directory, 'loras')
  const first = (await run.post('/api/lm/loras/delete', { file_path: path('a') })).json.batch_id as string
  run = await run.restart()
  t.match(await undo(first), { status: 200 })
  t.strictSame(treeOf(run.directory, 'loras'), before)

  const second = (await run.post('/api/lm/loras/delete', { file_path: path('b') })).json.batch_id as string
  writeFileSync(path('b').replace('.safetensors', '.metadata.json'), 'somebody else')
  const occupied = treeOf(run.directory)
  t.equal((await undo(second)).status, 404)
  t.strictSame(treeOf(run.directory), occupied, 'nothing is restored')

  const third = (await run.post('/api/lm/loras/delete', { file_path: path('c') })).json.batch_id as string
  await run.call('DELETE', `/api/v1/trash?id=${third}`)
  t.match(await undo(third), { status: 404, json: { error: /expired/ } }, 'what was removed for good has expired')
  const edit = await run.post('/api/lm/loras/save-metadata', { file_path: path('a'), notes: 'n' })
  t.equal(edit.status, 200)
  const [operation] = (await run.get('/api/v1/operations?limit=1')).json.items as { id: string }[]
  t.equal((await undo(operation?.id)).status, 404, 'other operations are not undone here')
})

t.test('a batch that another program laid aside is restored; what it can not be sure of it leaves alone', async (t) => {
  const id = 'a'.repeat(32)
  const late = 'b'.repeat(32)
  const broken = 'c'.repeat(32)
  const foreign = 'd'.repeat(32)
  const run = await runningApp(t, {
    prepare ({ loras }) {
      putModel(loras, 'keep')
      for (const [batch, expires, original] of [[id, 20, 'sub/gone'], [late, -60, 'late'], [foreign, 20, '../../outside']] as const) {
        const staging = join(loras, 'sub/.lm-pending-delete', batch)
        const staged = putModel(staging, 'gone')
        const home = join(loras, original)
        putFile(join(staging, 'manifest.json'), JSON.stringify({
          batch_id: batch,
          kind: 'model',
          model_type: 'loras',
          state: 'staged',
          expires_at: Math.floor(Date.now() / 1000) + expires,
          entries: [
            { staged, original: `${batch === foreign ? '/outside' : home}.safetensors`, restored: false, snapshot: {} },
            { staged: staged.replace('.safetensors', '.metadata.json'), original: `${batch === foreign ? '/outside' : home}.metadata.json`, restored: false }
          ],
          model_snapshot: {},
          recipe_snapshot: null
        }))
      }
      putFile(join(loras, 'sub/.lm-pending-delete', broken, 'manifest.json'), '{')
    }
  })
  const undo = async (batch: string) => await run.post('/api/lm/undo-delete', { batch_id: batch })
  t.strictSame(await listed(run), ['keep'])
  const before = treeOf(run.directory, 'loras')
  t.match(await undo(late), { status: 404, json: { error: /expired/ } })
  t.equal((await undo(broken)).status, 404)
  t.equal((await undo(foreign)).status, 400)
  t.strictSame(treeOf(run.directory, 'loras'), before)
  t.match(await undo(id), { status: 200, json: { kind: 'model', restored: [join(run.roots.loras, 'sub/gone.safetensors'), join(run.roots.loras, 'sub/gone.metadata.json')] } })
  t.strictSame((await listed(run)).sort(), ['gone', 'keep'])
  t.notOk(existsSync(join(run.roots.loras, 'sub/.lm-pending-delete', id)))
  t.ok(existsSync(join(run.roots.loras, 'sub/.lm-pending-delete', late, 'gone.safetensors')))
  t.equal((await undo(id)).status, 404)
})
