import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createCacheShelf } from '../../../services/models/cache-shelf.ts'
import { createRecipeIndex } from '../../../services/recipes/recipe-index.ts'
import { openRecipeSession } from '../../../services/recipes/recipe-session.ts'
import { recipeCacheSchema } from '../../../services/recipes/recipe-store.ts'
import { putRecipe } from '../../helpers/recipes.ts'
import { until } from '../../helpers/recipe-world.ts'
import { silent } from '../../helpers/scan-bench.ts'

t.test('a recipe folder whose disk does not answer counts as away, keeps what is known of it, and comes back by itself', async (t) => {
  const directory = t.testdir({ recipes: {} })
  const root = join(directory, 'recipes')
  const caches = createCacheShelf({ settingsDirectory: directory, persistent: true, schema: recipeCacheSchema, logger: silent })
  const index = createRecipeIndex()
  const session = openRecipeSession({
    caches,
    index,
    journal: { run: async () => { throw new Error('nothing is to be written') } },
    watches: () => false,
    onScanned () {},
    onProgress () {},
    hangMs: 400,
    scanWorker: new URL('../../helpers/hanging-recipe-scan.worker', import.meta.url),
    logger: silent
  }, 'default', root)
  t.teardown(async () => {
    await session.close()
    caches.close()
  })
  const scan = async () => await session.scan({ full: false, signal: new AbortController().signal })
  for (const id of ['a', 'b']) putRecipe(root, id)
  t.match(await scan(), { status: 'success', added: 2 })
  t.match(session.state, { state: 'online' })

  writeFileSync(join(root, 'hangs'), '')
  putRecipe(root, 'c')
  t.match(await scan(), { status: 'success', added: 0, removed: 0 })
  t.match(session.state, { state: 'offline', reason: 'Its disk does not answer' })
  t.match(await scan(), { added: 0 }, 'it is not touched meanwhile')
  t.throws(() => { session.requireOnline() }, { code: 'root-offline' })
  t.equal(index.size, 2)

  rmSync(join(root, 'hangs'))
  await until(() => session.state.state === 'online')
  t.equal(index.size, 3)
})
