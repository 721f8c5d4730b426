import { mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { civitaiDouble } from '../../helpers/civitai/double.ts'
import { mediaOf } from '../../helpers/civitai/media.ts'
import { serverOn } from '../../helpers/server-process.ts'
import { hashOf, putModels, until } from './world.ts'

t.test('a run goes on where it was after its process was killed, and so does one that was paused', { timeout: 120_000 }, async (t) => {
  const directory = realpathSync(t.testdir({ settings: {}, loras: {}, examples: {} }))
  const double = await civitaiDouble(t)
  const names = Array.from({ length: 6 }, (_, n) => `k${n}`)
  putModels(join(directory, 'loras'), double, names, 2)
  const settings = join(directory, 'settings')
  mkdirSync(settings, { recursive: true })
  writeFileSync(join(settings, 'settings.json'), JSON.stringify({ watch_folders: false, folder_paths: { loras: [join(directory, 'loras')] }, example_images_path: join(directory, 'examples'), provider_base_urls: double.providerBaseUrls }))
  const release = double.faults.always('GET /media/k3/*', { hang: true })

  let server = serverOn(t, settings)
  const post = async (path: string) => await (await fetch(`${await server.base()}/api/lm/${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ delay: 0 }) })).json() as Record<string, unknown>
  const status = async () => await server.ask('/api/lm/example-images-status') as { is_downloading: boolean, status: { status: string, completed: number, total: number, outcomes: Record<string, number> } }
  const reborn = async () => {
    server.child.kill('SIGKILL')
    await server.ended
    server = serverOn(t, settings)
  }
  // Also while the first scan is under way: the run begins behind it.
  await until(async () => await post('download-example-images'), ({ success }) => success === true)
  await until(() => double.count('GET /media/k3/*'), (count) => count === 2)
  await reborn()
  await until(status, ({ status: { completed } }) => completed === 3)
  t.match(await status(), { is_downloading: true, status: { status: 'running', total: 6, outcomes: { complete: 0, skipped: 3 } } })
  t.match(await post('pause-example-images'), { success: true })
  await reborn()
  await until(status, ({ is_downloading: running }) => running)
  t.match(await status(), { is_downloading: true, status: { status: 'paused' } }, 'what was paused stays paused')
  release()
  t.match(await post('resume-example-images'), { success: true })
  const { status: last } = await until(status, ({ is_downloading: running }) => !running)
  t.match(last, { status: 'completed', total: 6, completed: 6, outcomes: { complete: 3, skipped: 3 } })
  for (const name of names) {
    const folder = join(directory, 'examples', hashOf(name))
    t.same(readdirSync(folder).sort(), ['image_0.png', 'image_1.png'])
    for (const n of [0, 1]) t.same(readFileSync(join(folder, `image_${n}.png`)), mediaOf(`/media/${name}/${n}.png`).bytes)
    t.equal(double.requests.filter(({ path, status: code }) => path.startsWith(`/media/${name}/`) && code === 200).length, 2, 'each came once')
  }
  // Before its folders go: what it writes meanwhile would keep them from being removed.
  server.child.kill('SIGKILL')
  await server.ended
})
