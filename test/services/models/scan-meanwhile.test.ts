import t from 'tap'
import { putModel, runningApp } from '../../helpers/running-app.ts'

const MODELS = 300

interface Roots { items: { path: string, state: string, reason: string | null }[] }

t.test('a scan in the middle of a delete of everything does not take the folder for a disk that went away', async (t) => {
  const app = await runningApp(t, {
    prepare: (roots) => { for (let n = 0; n < MODELS; n++) putModel(roots.loras, `model-${n}`) }
  })
  const pages = await Promise.all([1, 2, 3].map((page) => app.get(`/api/lm/loras/list?page_size=100&page=${page}`)))
  const paths = pages.flatMap(({ json }) => (json.items as { file_path: string }[]).map(({ file_path: path }) => path))
  t.equal(paths.length, MODELS)

  const states = new Set<string>()
  const state = { deleting: true }
  const deleted = app.post('/api/lm/loras/bulk-delete', { file_paths: paths }).finally(() => { state.deleting = false })
  while (state.deleting) {
    await app.get('/api/lm/loras/scan')
    const { json } = await app.get('/api/v1/library/roots') as unknown as { json: Roots }
    const root = json.items.find(({ path }) => path === app.roots.loras)
    states.add(`${root?.state} ${root?.reason ?? ''}`.trim())
  }
  const { status, json } = await deleted
  t.equal(status, 200)
  t.equal(json.total_deleted, MODELS)
  t.same([...states], ['online'])

  const undone = await app.post('/api/lm/undo-delete', { batch_id: json.batch_id })
  t.equal(undone.status, 200, 'and the delete can be undone at once')
  t.equal((await app.get('/api/lm/loras/list')).json.total, MODELS)
})
