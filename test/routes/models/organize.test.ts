import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync, symlinkSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { putFile, putModel, runningApp, type RunningApp } from '../../helpers/running-app.ts'

const L = '/api/lm/loras'
const RUN = `${L}/auto-organize`
const PROGRESS = `${L}/auto-organize-progress`

interface Summary { total: number, success: number, skipped: number, failures: number, organization_type: string, cleaned_dirs: Record<string, number>, operation_type: string }
interface Organized { success: boolean, status: string, message: string, summary: Summary, results: { model: string, success: boolean, message: string }[] }
interface Plan { id: string, state: string, job: string | null, operation: string | null, moves: { from: string, to: string }[], conflicts: { from: string }[], untouched: { path: string, reason: string }[], total: number }

function tree (run: RunningApp): Record<string, string> {
  const found: Record<string, string> = {}
  for (const entry of readdirSync(run.roots.loras, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (path.includes('.modelshelf-trash')) continue
    found[path.slice(run.roots.loras.length + 1)] = entry.isDirectory() ? 'directory' : entry.isSymbolicLink() ? `link ${readlinkSync(path)}` : `${Math.round(statSync(path).mtimeMs / 100)} ${readFileSync(path).toString('base64')}`
  }
  return found
}

const places = (run: RunningApp): string[] => [...run.app.core.models.loras.index.entries()].map((model) => model.file_path.slice(run.roots.loras.length + 1)).sort()
const organize = async (run: RunningApp, body: object = {}): Promise<Organized> => (await run.post(RUN, body)).json as unknown as Organized
const frames = (run: RunningApp): Record<string, unknown>[] => run.frames.filter(({ type }) => type === 'auto_organize_progress')

/** What the index says is what a fresh look at the disk says. */
async function agrees (t: Test, run: RunningApp): Promise<void> {
  const before = places(run)
  t.match((await run.get(`${L}/scan?full_rebuild=true`)).json, { status: 'success' })
  await run.idle()
  t.strictSame(places(run), before)
}

async function undoLast (t: Test, run: RunningApp): Promise<void> {
  const { id } = run.app.core.journal.operations({ limit: 1 }).items[0] ?? { id: '' }
  const { status } = await run.post(`/api/v1/operations/${id}/undo`)
  t.equal(status, 200)
}

t.test('all models go to their folders: frames in order, emptied folders gone, others and roots untouched, one undo takes it all back', async (t) => {
  const run = await runningApp(t, {
    settings: { auto_organize_exclusions: ['keep/*'] },
    prepare ({ loras }) {
      for (let n = 0; n < 120; n++) {
        putModel(loras, `old/deep/m${n}`, { tags: n % 2 ? ['style'] : ['odd one', 'Character'], preview_url: `${loras}/old/deep/m${n}.png` })
        putFile(join(loras, `old/deep/m${n}.png`), `p${n}`)
      }
      putModel(loras, 'mixed/one', { base_model: 'Flux.1 D' })
      putFile(join(loras, 'mixed/notes.txt'), 'of the user')
      putModel(loras, 'SD 1.5/style/there', { tags: ['style'] })
      putModel(loras, 'keep/mine')
      putModel(loras, 'clash/there', { tags: ['style'] })
      mkdirSync(join(loras, 'empty/of/the user'), { recursive: true })
      mkdirSync(join(loras, 'real'))
      putModel(loras, 'real/linked', { base_model: 'Pony' })
      symlinkSync('real', join(loras, 'zlink'))
    }
  })
  t.match(await run.get(PROGRESS), { status: 404, json: { success: false, error: 'No auto-organize operation in progress' } })
  const before = tree(run)
  const answer = await organize(run)
  t.match(answer, {
    success: true,
    status: 'success',
    summary: { total: 124, success: 122, skipped: 1, failures: 1, organization_type: 'structured', operation_type: 'all', cleaned_dirs: { [run.roots.loras]: 3 } },
    results: [{ model: 'there', success: false, message: /already/ }]
  })
  t.match(answer.message, /122 moved, 1 skipped, 1 failed out of 124/)
  t.strictSame(frames(run).map(({ status, processed }) => [status, processed]), [['started', 0], ['processing', 50], ['processing', 100], ['processing', 124], ['cleaning', 124], ['completed', 124]])
  t.strictSame(frames(run).at(-1), { type: 'auto_organize_progress', status: 'completed', total: 124, processed: 124, success: 122, failures: 1, skipped: 1, cleanup: answer.summary.cleaned_dirs, operation_type: 'all' })
  t.strictSame((await run.get('/api/lm/embeddings/auto-organize-progress')).json as unknown, { success: true, progress: frames(run).at(-1) })
  t.ok(run.frames.some(({ type }) => type === 'models_changed'))
  for (const gone of ['old', 'old/deep', 'real']) t.notOk(existsSync(join(run.roots.loras, gone)), gone)
  for (const kept of ['empty/of/the user', 'mixed/notes.txt', 'keep/mine.safetensors', 'clash/there.safetensors', 'SD 1.5/style/m1.safetensors', 'SD 1.5/style/m1.png', 'SD 1.5/character/m0.metadata.json', 'Flux.1 D/no tags/one.safetensors']) t.ok(existsSync(join(run.roots.loras, kept)), kept)
  t.equal(run.app.core.journal.operations({ limit: 9 }).items.length, 1)
  t.match((await run.get('/api/v1/jobs')).json as unknown, { items: [{ kind: 'organize', state: 'succeeded', progress: { done: 124, total: 124 } }] })
  await agrees(t, run)
  t.match(await organize(run), { summary: { total: 124, success: 0, skipped: 123, failures: 1 } })
  await undoLast(t, run)
  await run.idle()
  t.strictSame(tree(run), before)
  await agrees(t, run)
})

t.test('named files only, patterns of the request before those of the settings, an empty list is nothing, wrong lists are refused', async (t) => {
  const run = await runningApp(t, {
    settings: { auto_organize_exclusions: '*.safetensors', download_path_templates: { lora: '{base_model}' } },
    prepare ({ loras }) {
      putModel(loras, 'a/one')
      putModel(loras, 'a/two')
      putModel(loras, 'b/three', { base_model: '' })
      putModel(loras, 'b/four')
    }
  })
  const { loras } = run.roots
  const path = (name: string): string => join(loras, `${name}.safetensors`)
  const before = tree(run)
  t.match(await organize(run, { file_paths: [] }), { success: true, status: 'success', summary: { total: 0, success: 0, cleaned_dirs: {} }, results: [] })
  t.strictSame(frames(run), [])
  t.match(await organize(run), { summary: { total: 0 } })
  t.strictSame(frames(run).map(({ status }) => status), ['started', 'processing', 'cleaning', 'completed'], 'at least one processing frame')
  t.equal((await run.post(RUN, { file_paths: 'all' })).status, 400)
  t.equal((await run.post(RUN, { file_paths: [1] })).status, 400)
  t.equal((await run.post(RUN, { file_paths: [path('../x')] })).status, 400)
  t.equal((await run.post(RUN, { file_paths: [path('a/one')], exclusion_patterns: 'x'.repeat(2000) })).status, 400, 'too long a pattern')
  t.strictSame(tree(run), before)

  t.match(await organize(run, { file_paths: [path('a/one'), path('a/nope'), path('b/three')], exclusion_patterns: 'four*;z, y' }), {
    summary: { total: 3, success: 1, skipped: 1, failures: 1, operation_type: 'bulk', cleaned_dirs: { [join(loras, 'a')]: 0 } },
    results: [{ model: 'three', message: /no folder/ }, { model: 'nope', message: /no such/ }]
  })
  t.strictSame(places(run), ['SD 1.5/one.safetensors', 'a/two.safetensors', 'b/four.safetensors', 'b/three.safetensors'])
  t.match(await organize(run, { exclusion_patterns: ['f[n-p]ur.*', `${loras}/b/th*`] }), { summary: { total: 2, success: 1, skipped: 1 } })
  t.strictSame(places(run), ['SD 1.5/one.safetensors', 'SD 1.5/two.safetensors', 'b/four.safetensors', 'b/three.safetensors'])
  t.notOk(existsSync(join(loras, 'a')))
  await run.app.core.settings.update({ download_path_templates: { lora: '' } })
  t.match(await organize(run, { exclusion_patterns: [] }), { summary: { total: 4, success: 4, organization_type: 'flat', cleaned_dirs: { [loras]: 2 } } })
  t.strictSame(places(run), ['four.safetensors', 'one.safetensors', 'three.safetensors', 'two.safetensors'])
  t.match(await organize(run, { exclusion_patterns: [] }), { summary: { success: 0, skipped: 4 }, results: { length: 4 } })
  t.ok(existsSync(loras))
})

t.test('one run at a time over all types; a cancel ends it within a second and leaves whole models', async (t) => {
  const run = await runningApp(t, { prepare ({ loras }) { for (let n = 0; n < 150; n++) putModel(loras, `in/m${n}`) } })
  const { loras } = run.roots
  await run.post(`${L}/cancel-task`)
  const running = organize(run)
  while (!frames(run).some(({ status }) => status === 'processing')) await new Promise((resolve) => setImmediate(resolve))
  t.match(await run.post('/api/lm/checkpoints/auto-organize'), { status: 409, json: { success: false, error: /running/ } })
  t.match(await run.get(`${L}/auto-organize`), { status: 409 })
  await run.post('/api/lm/checkpoints/cancel-task')
  const begun = performance.now()
  await run.post(`${L}/cancel-task`)
  const answer = await running
  t.ok(performance.now() - begun < 1500)
  t.match(answer, { success: true, status: 'cancelled', summary: { cleaned_dirs: { [loras]: 0 } } })
  const moved = readdirSync(join(loras, 'SD 1.5/no tags')).filter((name) => name.endsWith('.safetensors')).length
  t.ok(moved >= 50 && moved < 150, `${moved} moved`)
  t.equal(answer.summary.success, moved)
  t.match(frames(run).at(-1), { status: 'cancelled', success: moved })
  t.match((await run.get(PROGRESS)).json as unknown, { progress: { status: 'cancelled' } })
  await agrees(t, run)
  t.match(await organize(run), { status: 'success', summary: { success: 150 - moved } })
  t.notOk(existsSync(join(loras, 'in')))
})

t.test('a plan is looked at, refused when files have changed, applied as a job and undone as a whole', async (t) => {
  const run = await runningApp(t, {
    prepare ({ loras }) {
      putModel(loras, 'a/one')
      putModel(loras, 'a/two', { tags: ['style'] })
      putModel(loras, 'a/two', { tags: ['style'] })
      putModel(loras, 'c/two', { tags: ['style'] })
      putModel(loras, 'SD 1.5/no tags/fine')
    }
  })
  const { loras } = run.roots
  const before = tree(run)
  const make = async (body: object = { model_type: 'loras' }): Promise<Plan> => (await run.post('/api/v1/organize/plans', body)).json as unknown as Plan
  const apply = async ({ id }: Plan): Promise<{ status: number, json: unknown }> => await run.post(`/api/v1/organize/plans/${id}/apply`)
  const plan = await make()
  t.match(plan, { state: 'ready', job: null, operation: null, total: 4, moves: { length: 2 }, conflicts: [{ from: join(loras, 'c/two.safetensors'), to: join(loras, 'SD 1.5/style/two.safetensors'), reason: /already/ }], untouched: [{ path: join(loras, 'SD 1.5/no tags/fine.safetensors'), reason: /belongs/ }] })
  t.match(plan.moves, [{ from: join(loras, 'a/one.safetensors'), to: join(loras, 'SD 1.5/no tags/one.safetensors'), reason: /base_model/, size: statSync(join(loras, 'a/one.safetensors')).size }])
  t.strictSame((await run.get(`/api/v1/organize/plans/${plan.id}`)).json as unknown, plan)
  t.match((await run.post(RUN, { dry_run: true })).json as unknown, { success: true, dry_run: true, plan: { moves: plan.moves } })
  t.strictSame(tree(run), before, 'nothing moved yet')
  t.equal((await run.get('/api/v1/organize/plans/none')).status, 404)
  t.equal((await run.post('/api/v1/organize/plans/none/apply')).status, 404)
  t.equal((await run.post('/api/v1/organize/plans', { model_type: 'tables' })).status, 400)

  const one = join(loras, 'a/one.safetensors')
  const { mtime } = statSync(one)
  utimesSync(one, 1, 1)
  putFile(join(loras, 'SD 1.5/style/two.safetensors'), 'taken')
  t.match(await apply(plan), { status: 409, json: { code: 'plan-outdated', changed: [{ path: one, reason: /changed/ }, { path: join(loras, 'SD 1.5/style/two.safetensors'), reason: /taken/ }] } })
  utimesSync(one, mtime, mtime)
  rmSync(join(loras, 'SD 1.5/style'), { recursive: true })
  const fresh = await make()
  const start = tree(run)
  const applied = await apply(fresh)
  t.match(applied, { status: 202, json: { job: { kind: 'organize', id: /./ } } })
  t.equal((await apply(fresh)).status, 409, 'once')
  await run.app.core.jobs.finished((applied.json as { job: { id: string } }).job.id)
  const done = (await run.get(`/api/v1/organize/plans/${fresh.id}`)).json as unknown as Plan
  t.match(done, { state: 'applied', operation: /^[0-9a-f]{32}$/ })
  t.strictSame(places(run), ['SD 1.5/no tags/fine.safetensors', 'SD 1.5/no tags/one.safetensors', 'SD 1.5/style/two.safetensors', 'c/two.safetensors'])
  t.notOk(existsSync(join(loras, 'a')))
  await undoLast(t, run)
  t.strictSame(tree(run), start)
  await run.idle()
  t.strictSame(places(run), ['SD 1.5/no tags/fine.safetensors', 'a/one.safetensors', 'a/two.safetensors', 'c/two.safetensors'])
  const again = await run.restart()
  t.match((await again.get(`/api/v1/organize/plans/${fresh.id}`)).json as unknown, { state: 'applied' }, 'plans outlive the process')
})

t.test('without folders it fails with a frame that says so', async (t) => {
  const run = await runningApp(t, { settings: { folder_paths: {} } })
  t.match(await run.post(RUN), { status: 500, json: { success: false } })
  t.match(frames(run), [{ status: 'error', error: /No model folders/ }])
  t.match(await run.post(RUN), { status: 500 }, 'the failed run holds up no other')
})
