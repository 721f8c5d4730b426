import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { mediaOf } from '../../helpers/civitai/media.ts'
import { putFile, putModel, type RunningApp } from '../../helpers/running-app.ts'
import { ended, exampleWorld, hashOf, imagesAt, putModels, sidecarOf, until, type World } from './world.ts'

const png = (name: string) => mediaOf(`/old/${name}.png`).bytes
const progressOf = (run: Pick<World, 'examples'>) => JSON.parse(readFileSync(join(run.examples, '.download_progress.json'), 'utf8')) as Record<string, unknown>
const renamed = async (run: World) => await until(() => progressOf(run).naming_version, (version) => version === 2)

t.test('files that older versions named get the names of now, behind the start, and back by undo', async (t) => {
  const run = await exampleWorld(t, {
    prepare ({ loras, embeddings }, double, examples) {
      const put = (name: string, files: string[]) => { for (const file of files) putFile(join(examples, hashOf(name), file), png(`${name}/${file}`)) }
      putModels(loras, double, ['from-one', 'held'], 3)
      put('from-one', ['image_1.png', 'image_2.mp4', 'image_3.png'])
      const [first, second] = imagesAt(double, 'mixed', 2)
      putModel(embeddings, 'mixed', { civitai: { images: [{ url: '', type: 'image', width: 7, theirs: 1 }, first, { url: '', type: 'image', width: 8 }, { url: '', type: 'image', width: 9 }, second] } })
      put('mixed', ['image_0.png', 'image_1.png', 'image_3.png', 'image_4.png', 'notes.txt'])
      putModel(loras, 'local', { civitai: { images: [{ url: '', type: 'image' }] } })
      putFile(join(loras, 'local.example.0.png'), png('local'))
      put('local', ['image_0.png'])
      putModel(loras, 'gone', { civitai: { images: imagesAt(double, 'gone', 2, { 0: { downloadFailed: true } }) } })
      put('gone', ['image_1.png'])
      put('nobody', ['image_1.png', 'custom_x.png'])
      put('held', ['image_0.png', 'image_2.png'])
      writeFileSync(join(examples, '.download_progress.json'), JSON.stringify({ processed_models: [hashOf('from-one')], completed: 3, theirs: { kept: true } }))
    }
  })
  await renamed(run)
  t.same(run.filesOf('from-one'), ['image_0.png', 'image_1.mp4', 'image_2.png'])
  t.same(readFileSync(join(run.examples, hashOf('from-one'), 'image_0.png')), png('from-one/image_1.png'))
  t.same(run.filesOf('nobody'), ['custom_x.png', 'image_0.png'])
  t.same(run.filesOf('held'), ['image_0.png', 'image_2.png'], 'a gap is none of older versions')
  t.same(run.filesOf('gone'), ['image_1.png'], 'its first image is known to be gone')
  t.same(run.filesOf('local'), ['image_0.png'], 'examples beside a model are its images')
  t.match(sidecarOf(run.roots.loras, 'local').civitai, { images: [{ url: '' }], customImages: undefined })
  const { images = [], customImages = [] } = sidecarOf(run.roots.embeddings, 'mixed').civitai
  t.match(images.map(({ url, width }) => url === '' ? width : url), [/mixed\/0\.png$/, 8, /mixed\/1\.png$/], 'what has no file stays where it is')
  t.match(customImages, [{ url: '', width: 7, theirs: 1, id: /^[a-z0-9]{8}$/ }, { url: '', width: 9, id: /^[a-z0-9]{8}$/ }])
  const mixed = (file: string) => readFileSync(join(run.examples, hashOf('mixed'), file))
  t.same([mixed('image_0.png'), mixed('image_2.png'), mixed(`custom_${customImages[0]?.id}.png`), mixed(`custom_${customImages[1]?.id}.png`)], [1, 4, 0, 3].map((n) => png(`mixed/image_${n}.png`)))
  t.equal(run.filesOf('mixed')?.length, 5)
  t.same(progressOf(run), { processed_models: [hashOf('from-one')], completed: 3, theirs: { kept: true }, naming_version: 2 })
  const answered = (await run.get(`/api/lm/embeddings/metadata?file_path=${encodeURIComponent(join(run.roots.embeddings, 'mixed.safetensors'))}`)).json as { metadata: { customImages: unknown[] } }
  t.equal(answered.metadata.customImages.length, 2, 'the index knows')

  const { items } = (await run.get('/api/v1/operations?limit=9')).json as { items: { id: string, kind: string }[] }
  const ours = items.filter(({ kind }) => kind === 'example-naming')
  t.equal(ours.length, 2)
  for (const { id } of ours) t.match(await run.post(`/api/v1/operations/${id}/undo`), { status: 200 })
  t.same(run.filesOf('from-one'), ['image_1.png', 'image_2.mp4', 'image_3.png'])
  t.same(run.filesOf('mixed'), ['image_0.png', 'image_1.png', 'image_3.png', 'image_4.png', 'notes.txt'])
  for (const n of [0, 1, 3, 4]) t.same(mixed(`image_${n}.png`), png(`mixed/image_${n}.png`))
  t.equal(sidecarOf(run.roots.embeddings, 'mixed').civitai.images?.length, 5)
})

t.test('a version is claimed only when every folder has its names; models that are away wait for the next time', async (t) => {
  const first = await exampleWorld(t, {
    settings: { example_images_path: '' },
    prepare ({ loras, embeddings }, double, examples) {
      putModels(loras, double, ['here'], 1)
      putModel(embeddings, 'away', { civitai: { images: [{ url: '', type: 'image' }] } })
      putFile(join(examples, hashOf('away'), 'image_0.png'), png('away'))
      putFile(join(examples, hashOf('here'), 'image_1.png'), mediaOf('/media/here/0.png').bytes)
    }
  })
  const { double, examples, filesOf, roots: { embeddings } } = first
  const again = async (run: RunningApp) => Object.assign(await run.restart(), { double, examples, filesOf })
  renameSync(embeddings, `${embeddings}.unplugged`)
  const run = await again(first)
  t.match(await run.post('/api/lm/settings', { example_images_path: examples }), { json: { success: true } })
  await run.post('/api/lm/download-example-images', { delay: 0 })
  await ended(run)
  t.match(progressOf(run), { naming_version: 1, processed_models: [hashOf('here')], completed: 1 })
  t.same(filesOf('away'), ['image_0.png'])
  t.equal(double.requests.length, 0, 'what has its name is not asked for')
  renameSync(`${embeddings}.unplugged`, embeddings)
  const last = await again(run)
  await renamed(last)
  t.match(progressOf(last), { processed_models: [hashOf('here')], completed: 1 })
  t.match(sidecarOf(embeddings, 'away').civitai, { images: [], customImages: [{ url: '', type: 'image' }] })
  t.match(filesOf('away'), [/^custom_[a-z0-9]{8}\.png$/])
})

t.test('metadata is answered without images whose files are gone; the sidecar keeps them', async (t) => {
  const images = [{ url: '', type: 'image', width: 1 }, { url: 'https://example.com/1.png' }, { url: '', width: 3 }, { url: '', width: 4 }]
  const customImages = [{ id: 'aa', url: '' }, { id: 'aab', url: '' }, { note: 'theirs' }]
  const run = await exampleWorld(t, {
    prepare ({ loras }, _double, examples) {
      for (const name of ['some', 'none']) putModel(loras, name, { civitai: { id: 4, images, customImages } })
      for (const file of ['custom_aab.webp', 'image_2.png', '.image_3.png.part']) putFile(join(examples, hashOf('some'), file), png(file))
      // Nothing of this is older than the names of now.
      writeFileSync(join(examples, '.download_progress.json'), '{"naming_version": 2}')
    }
  })
  const answered = async (name: string) => (await run.get(`/api/lm/loras/metadata?file_path=${encodeURIComponent(join(run.roots.loras, `${name}.safetensors`))}`)).json as { metadata: Record<string, unknown> }
  t.same((await answered('some')).metadata, { id: 4, images: [{ ...images[0], downloadFailed: true }, images[1], images[2]], customImages: [customImages[1], customImages[2]] })
  t.same((await answered('none')).metadata, { id: 4, images, customImages }, 'no folder tells nothing')
  renameSync(run.examples, `${run.examples}.unplugged`)
  t.same((await answered('some')).metadata, { id: 4, images, customImages }, 'nor does a disk that is away')
  t.same(sidecarOf(run.roots.loras, 'some').civitai, { id: 4, images, customImages })
})
