import t from 'tap'
import { putModel, runningApp } from '../../helpers/running-app.ts'

interface Roots { items: { path: string, state: string, reason: string | null }[] }

t.test('a scan in the middle of a delete of everything does not take the folder for a disk that went away', async (t) => {
  const app = await runningApp(t, {
    prepare: (roots) => { for (let n = 0; n < 120; n++) putModel(roots.loras, `model-${n}`) }
  })
  const { json: list } = await app.get('/api/lm/loras/list?page_size=100') as unknown as { json: { items: { file_path: string }[] } }
  const second = await app.get('/api/lm/loras/list?page_size=100&page=2') as unknown as { json: { items: { file_path: string }[] } }
  const paths = [...list.items, ...second.json.items].map(({ file_path: path }) => path)
  t.equal(paths.length, 120)

  const states = new Set<string>()
  let deleting = true
  const deleted = app.post('/api/lm/loras/bulk-delete', { file_paths: paths }).finally(() => { deleting = false })
  while (deleting) {
    await app.get('/api/lm/loras/scan')
    const { json } = await app.get('/api/v1/library/roots') as unknown as { json: Roots }
    const root = json.items.find(({ path }) => path === app.roots.loras)
    states.add(`${root?.state} ${root?.reason ?? ''}`.trim())
  }
  const { status, json } = await deleted
  t.equal(status, 200)
  t.equal(json.total_deleted, 120)
  t.same([...states], ['online'])

  const undone = await app.post('/api/lm/undo-delete', { batch_id: json.batch_id })
  t.equal(undone.status, 200, 'and the delete can be undone at once')
  t.equal((await app.get('/api/lm/loras/list')).json.total, 120)
})
