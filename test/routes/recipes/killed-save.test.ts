import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { picture } from '../../helpers/recipe-world.ts'
import { serverOn } from '../../helpers/server-process.ts'

const ROUNDS = 3
const AT_ONCE = 6

t.test('a process killed while it saves leaves whole recipes or none', async (t) => {
  const directory = t.testdir({ settings: {}, loras: {} })
  const settings = join(directory, 'settings')
  const recipes = join(directory, 'loras/recipes')
  mkdirSync(recipes)
  writeFileSync(join(settings, 'settings.json'), JSON.stringify({ watch_folders: false, folder_paths: { loras: [join(directory, 'loras')] } }))
  const image = new Blob([await picture({ parameters: 'a cat\nSteps: 4, Sampler: Euler' }, { width: 600, height: 800 })], { type: 'image/png' })
  const stems = (ending: string): string[] => readdirSync(recipes).filter((name) => name.endsWith(ending)).map((name) => name.slice(0, -ending.length)).sort()
  let answered: string[] = []

  async function save (base: string): Promise<void> {
    const form = new FormData()
    form.append('image', image, 'cat.png')
    form.append('name', 'Cat')
    form.append('metadata', '{"gen_params":{"prompt":"a cat"}}')
    const { recipe_id: id } = await (await fetch(`${base}/api/lm/recipes/save`, { method: 'POST', body: form })).json() as { recipe_id: string }
    answered.push(id)
  }

  for (let round = 0; round < ROUNDS; round++) {
    const server = serverOn(t, settings, { logLevel: 'info' })
    const base = await server.base()
    while ((await fetch(`${base}/health/ready`)).status !== 200) await delay(20)
    // Until the end there are always some under way; that those are not answered is what this is about.
    const lanes = Array.from({ length: AT_ONCE }, async () => { for (;;) await save(base) }).map((lane) => lane.catch(() => undefined))
    const wanted = answered.length + 2 + round * 5
    while (answered.length < wanted) await delay(1)
    server.child.kill('SIGKILL')
    await server.ended
    await Promise.all(lanes)
  }

  const last = serverOn(t, settings, { logLevel: 'info' })
  const base = await last.base()
  while ((await fetch(`${base}/health/ready`)).status !== 200) await delay(20)
  const listed = async (): Promise<string[]> => ((await last.ask('/api/lm/recipes?page_size=1000')) as { items: { id: string }[] }).items.map(({ id }) => id).sort()
  const deadline = Date.now() + 30_000
  const halfWritten = (): string[] => readdirSync(recipes).filter((name) => name.includes('modelshelf-tmp'))
  while (((await listed()).length < stems('.recipe.json').length || halfWritten().length > 0) && Date.now() < deadline) await delay(50)
  answered = answered.filter((id) => id !== undefined).sort()
  t.same(stems('.webp'), stems('.recipe.json'), 'no image without its document, none without its image')
  t.same(await listed(), stems('.recipe.json'), 'all of them are there')
  t.same(answered.filter((id) => !stems('.recipe.json').includes(id)), [], 'what was answered is on disk')
  for (const id of stems('.recipe.json')) t.match(JSON.parse(readFileSync(join(recipes, `${id}.recipe.json`), 'utf8')), { id, title: 'Cat', gen_params: { prompt: 'a cat' } })
  t.same(halfWritten(), [], 'half-written files are gone')
  const shelf = join(settings, 'modelshelf/uploads-recipes')
  await save(base)
  t.same(existsSync(shelf) ? readdirSync(shelf) : [], [], 'uploads of the killed processes too')
})
