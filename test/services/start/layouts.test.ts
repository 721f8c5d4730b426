import { symlinkSync, truncateSync } from 'node:fs'
import t from 'tap'
import { guessByFile, recogniseLayout } from '../../../services/start/layouts.ts'
import { mergeFolderPaths, readExtraModelPaths } from '../../../services/start/extra-model-paths.ts'

const GIB = 1024 ** 3

t.test('a models folder of ComfyUI gives all four lists, both names of diffusion models in one', async (t) => {
  const dir = t.testdir({ loras: {}, checkpoints: {}, unet: {}, diffusion_models: {}, embeddings: {}, vae: {}, controlnet: {} })
  t.same(await recogniseLayout(dir), {
    layout: 'comfyui',
    folder_paths: { loras: [`${dir}/loras`], checkpoints: [`${dir}/checkpoints`], unet: [`${dir}/diffusion_models`, `${dir}/unet`], embeddings: [`${dir}/embeddings`] }
  })
})

t.test('the root of an installation is taken like its models folder', async (t) => {
  const comfy = t.testdir({ models: { loras: {}, checkpoints: {} }, custom_nodes: {}, output: {} })
  t.same(await recogniseLayout(comfy), { layout: 'comfyui', folder_paths: { loras: [`${comfy}/models/loras`], checkpoints: [`${comfy}/models/checkpoints`] } })
})

t.test('A1111 and Forge keep embeddings beside models and write names with capitals', async (t) => {
  const dir = t.testdir({ embeddings: {}, models: { Lora: {}, LyCORIS: {}, 'Stable-diffusion': {}, VAE: {} } })
  t.same(await recogniseLayout(dir), {
    layout: 'a1111',
    folder_paths: { embeddings: [`${dir}/embeddings`], loras: [`${dir}/models/Lora`, `${dir}/models/LyCORIS`], checkpoints: [`${dir}/models/Stable-diffusion`] }
  })
  t.equal((await recogniseLayout(`${dir}/models`)).layout, 'a1111')
})

t.test('a linked folder of a known name counts, a file of that name does not', async (t) => {
  const dir = t.testdir({ store: { somewhere: {} }, models: { checkpoints: 'a file' } })
  symlinkSync(`${dir}/store/somewhere`, `${dir}/models/loras`)
  t.same((await recogniseLayout(`${dir}/models`)).folder_paths, { loras: [`${dir}/models/loras`] })
})

t.test('a single folder of a known name is one root of that kind', async (t) => {
  const dir = t.testdir({ Lora: { sub: { 'a.safetensors': '' } } })
  t.same(await recogniseLayout(`${dir}/Lora`), { layout: 'plain', folder_paths: { loras: [`${dir}/Lora`] } })
})

t.test('plain folders are judged by their files, each by itself when none lie at the top', async (t) => {
  const dir = t.testdir({
    small: { deep: { 'a.safetensors': '', 'b.safetensors': '' }, 'readme.txt': '' },
    large: { 'c.safetensors': '', 'd.ckpt': '' },
    words: { 'e.pt': '', 'f.bin': '' },
    pictures: { 'g.png': '' }
  })
  truncateSync(`${dir}/large/c.safetensors`, 2 * GIB)
  t.same(await recogniseLayout(dir), { layout: 'plain', folder_paths: { loras: [`${dir}/small`], checkpoints: [`${dir}/large`], embeddings: [`${dir}/words`] } })
})

t.test('a folder with model files of its own is one root, of the kind most files have', async (t) => {
  const dir = t.testdir({ 'a.safetensors': '', 'b.pt': '', anime: { 'c.safetensors': '' } })
  t.same(await recogniseLayout(dir), { layout: 'plain', folder_paths: { loras: [dir] } })
})

t.test('nothing to recognise is an empty layout, an unreadable folder an error that names it', async (t) => {
  const dir = t.testdir({ pictures: { 'a.png': '' }, '.hidden': { 'b.safetensors': '' } })
  t.same(await recogniseLayout(dir), { layout: 'empty', folder_paths: {} })
  await t.rejects(recogniseLayout(`${dir}/missing`), { code: 'models-folder-unreadable', message: /missing.*ENOENT/ })
})

t.test('the kind of a file follows its extension and size', async (t) => {
  t.equal(guessByFile('A.SafeTensors', 2 * GIB - 1), 'loras')
  t.equal(guessByFile('a.safetensors', 2 * GIB), 'checkpoints')
  t.equal(guessByFile('a.pt', 10_000), 'embeddings')
  t.equal(guessByFile('a.pt', GIB), 'checkpoints')
  t.equal(guessByFile('a.gguf', 1), 'checkpoints')
  t.equal(guessByFile('a.metadata.json', 1), null)
})

t.test("the folders of ComfyUI's extra_model_paths.yaml are read like ComfyUI reads them", async (t) => {
  const dir = t.testdir({
    'extra.yaml': `
a111:
    base_path: $SHARE/webui/
    checkpoints: models/Stable-diffusion
    vae: models/VAE
    loras: |
         models/Lora
         models/LyCORIS
comfyui:
    base_path: ~/ComfyUI
    is_default: true
    diffusion_models: |
         models/unet
         models/diffusion_models
nas:
    base_path: nas
    loras: x/
plain:
    embeddings: /abs/embeddings
`
  })
  t.same(await readExtraModelPaths(`${dir}/extra.yaml`, { home: '/home/ada', env: { SHARE: '/share' } }), {
    checkpoints: ['/share/webui/models/Stable-diffusion'],
    loras: ['/share/webui/models/Lora', '/share/webui/models/LyCORIS', `${dir}/nas/x`],
    unet: ['/home/ada/ComfyUI/models/unet', '/home/ada/ComfyUI/models/diffusion_models'],
    embeddings: ['/abs/embeddings']
  })
})

t.test('a missing, broken or foreign yaml file is one clear line', async (t) => {
  const dir = t.testdir({ 'broken.yaml': 'a: [1', 'list.yaml': '- a\n- b\n' })
  for (const name of ['missing', 'broken', 'list']) {
    await t.rejects(readExtraModelPaths(`${dir}/${name}.yaml`, { home: '/', env: {} }), { code: 'bad-extra-model-paths', message: /^[^\n]+$/ }, name)
  }
})

t.test('merging adds folders and removes none', async (t) => {
  t.same(mergeFolderPaths({ loras: ['/a', '/b'], vae: ['/v'] }, { loras: ['/b', '/c'], unet: ['/u'] }), { loras: ['/a', '/b', '/c'], vae: ['/v'], unet: ['/u'] })
})
