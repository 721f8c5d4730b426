import t from 'tap'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { computeRoots, rootId } from '../../../services/files/roots.ts'

const none = { extra_folder_paths: {} }

t.test('roots stand by type, primary before extra, sorted without case', async (t) => {
  const dir = t.testdir({ b: {}, A: {}, z: {}, ckpt: {}, unet: {}, emb: {} })
  const at = (name: string) => join(dir, name)
  const { roots, warnings } = computeRoots({
    folder_paths: { loras: [at('b'), at('A')], checkpoints: [at('ckpt')], unet: [at('unet')], embeddings: [at('emb')], diffusers: [at('z')] },
    extra_folder_paths: { loras: [at('z')] }
  })
  t.same(roots.map(({ type, path, extra, subType }) => [type, path, extra, subType]), [
    ['lora', at('A'), false, null],
    ['lora', at('b'), false, null],
    ['lora', at('z'), true, null],
    ['checkpoint', at('ckpt'), false, 'checkpoint'],
    ['checkpoint', at('unet'), false, 'diffusion_model'],
    ['embedding', at('emb'), false, 'embedding']
  ])
  t.same(warnings, [])
  t.equal(roots[0]?.id, rootId('lora', at('A')), 'ids are the same in every run')
  t.equal(new Set(roots.map(({ id }) => id)).size, 6)
})

t.test('a root that is missing now is kept', async (t) => {
  const { roots } = computeRoots({ folder_paths: { loras: ['/nowhere/nas/loras/'] }, ...none })
  t.same(roots.map(({ path }) => path), ['/nowhere/nas/loras'])
})

t.test('one directory under two spellings is one root, the first of them', async (t) => {
  const dir = t.testdir({ real: {} })
  symlinkSync(join(dir, 'real'), join(dir, 'link'))
  const { roots } = computeRoots({ folder_paths: { loras: [join(dir, 'real'), join(dir, 'link'), join(dir, 'real') + '//./'] }, ...none })
  t.same(roots.map(({ path }) => path), [join(dir, 'real')])
})

t.test('a directory for checkpoints and unet counts as checkpoints', async (t) => {
  const dir = t.testdir({ all: {} })
  const { roots, warnings } = computeRoots({ folder_paths: { checkpoints: [join(dir, 'all')], unet: [join(dir, 'all')] }, ...none })
  t.same(roots.map(({ folderKey }) => folderKey), ['checkpoints'])
  t.match(warnings, [{ type: 'checkpoint', text: /checkpoints and unet/ }])
})

t.test('an extra folder that is a primary one, or the target of a link in it, is ignored for every type', async (t) => {
  const dir = t.testdir({ main: { deep: {} }, nas: {}, other: {} })
  symlinkSync(join(dir, 'nas'), join(dir, 'main', 'nas'))
  for (const key of ['loras', 'checkpoints', 'unet', 'embeddings']) {
    const { roots, warnings } = computeRoots({
      folder_paths: { [key]: [join(dir, 'main')] },
      extra_folder_paths: { [key]: [join(dir, 'main'), join(dir, 'nas'), join(dir, 'other')] }
    })
    t.same(roots.map(({ path, extra }) => [path, extra]), [[join(dir, 'main'), false], [join(dir, 'other'), true]], key)
    t.equal(warnings.length, 2, key)
  }
})

t.test('nested roots are warned of and kept, names that only begin alike are not nested', async (t) => {
  const dir = t.testdir({ lora: { inner: {} }, lora2: {} })
  const { roots, warnings } = computeRoots({ folder_paths: { loras: [join(dir, 'lora'), join(dir, 'lora', 'inner'), join(dir, 'lora2')] }, ...none })
  t.equal(roots.length, 3)
  t.equal(warnings.length, 1)
  t.match(warnings[0], { type: 'lora', text: /inner" lies inside/ })
})

t.test('what is no path is dropped with a warning, never a fault', async (t) => {
  const hostile = { loras: [1, null, '', '  ', 'relative', 'C:\\models', '/a\0b', { a: 1 }], checkpoints: 'text' } as unknown as Record<string, string[]>
  const { roots, warnings } = computeRoots({ folder_paths: hostile, extra_folder_paths: { loras: [[]] } as never })
  t.same(roots, [])
  t.equal(warnings.length, 3)
})

t.test('a caller may say what it knows of the disk instead of asking it', async (t) => {
  const { roots } = computeRoots({ folder_paths: { loras: ['/a', '/b'] }, ...none }, { realPath: () => '/same', linkTargets: () => [] })
  t.same(roots.map(({ path }) => path), ['/a'])
})
