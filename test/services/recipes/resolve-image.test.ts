import t from 'tap'
import { pixels } from '../../helpers/metadata-images.ts'
import { sampleModel } from '../../helpers/sample-model.ts'
import type { Outcome } from '../../../services/civitai/types.ts'
import type { CivitaiVersionDocument } from '../../../services/civitai/schema.ts'
import type { IndexedModel } from '../../../services/models/entry.ts'
import { readEmbeddedTexts } from '../../../services/images/embedded-texts.ts'
import { readImageMetadata } from '../../../services/images/read-metadata.ts'
import { embedRecipeMetadata } from '../../../services/recipes/embed-recipe-metadata.ts'
import { parseImage, parseMeta, parseText } from '../../../services/recipes/parsers/index.ts'
import { withoutMarker } from '../../../services/recipes/recipe-marker.ts'
import { createImageResolver } from '../../../services/recipes/resolve-image.ts'
import type { ModelLookups, ResolvedImage, VersionLookups } from '../../../services/recipes/resolve-types.ts'

const model = sampleModel

function library (...models: IndexedModel[]): ModelLookups {
  return {
    byHash: (hash) => models.filter(({ sha256, autov3 }) => sha256 !== '' && (sha256.startsWith(hash.toLowerCase()) || autov3 === hash)),
    byVersionId: (id) => models.filter(({ civitai }) => civitai?.id === id),
    versionsOf: () => [],
    lookupAll: (name) => models.filter(({ folder, file_name: stem }) => stem === name || `${folder}/${stem}` === name)
  }
}

const version = (id: number, type: string, facts: Partial<CivitaiVersionDocument> = {}): CivitaiVersionDocument => ({ id, modelId: id * 10, name: 'v3', baseModel: 'Pony', model: { name: `Model ${id}`, type }, files: [{ name: `file_${id}.safetensors`, type: 'Model', primary: true, sizeKB: 2, hashes: { SHA256: String(id).padStart(64, 'A') } }], ...facts })

interface World { loras?: ModelLookups, checkpoints?: ModelLookups, versions?: Record<string, CivitaiVersionDocument>, otherwise?: Outcome<never> }

function world ({ loras = library(), checkpoints = library(), versions = {}, otherwise = { kind: 'not-found' } }: World) {
  const asked: string[] = []
  const answer = async (key: string): Promise<Outcome<CivitaiVersionDocument>> => {
    asked.push(key)
    const value = versions[key]
    return value ? { kind: 'found', value } : otherwise
  }
  const lookups: VersionLookups = { version: async (id) => await answer(String(id)), versionByHash: answer }
  const resolve = createImageResolver({ loras, checkpoints, versions: lookups })
  return { asked, text: async (text: string): Promise<ResolvedImage | null> => { const parsed = parseText(text); return parsed && await resolve(parsed) }, meta: async (meta: object): Promise<ResolvedImage | null> => { const parsed = parseMeta(meta); return parsed && await resolve(parsed) } }
}

const KITE = 'a <lora:kite:0.75>\nSteps: 2, Model hash: 1a2b3c4d5e, Model: sky, Lora hashes: "kite: 9f8e7d6c5b"'

t.test('what the library has is found without asking anyone, and says by what', async (t) => {
  const sha256 = '9f8e7d6c5b'.padEnd(64, '0')
  const { text, asked } = world({
    loras: library(model({ sha256, file_name: 'kite_style', file_path: '/m/sea/kite_style.safetensors', model_name: 'Kite', base_model: 'SDXL 1.0', preview_url: '/m/kite.png', civitai: { id: 900, modelId: 90, name: 'v1' } })),
    checkpoints: library(model({ type: 'checkpoint', sha256: '1a2b3c4d5e'.padEnd(64, '1'), file_name: 'sky' }))
  })
  const image = await text(KITE)
  t.match(image, {
    from_automatic_metadata: true,
    base_model: 'SDXL 1.0',
    checkpoint: { existsLocally: true, matched_by: 'hash' },
    model: { existsLocally: true },
    loras: [{ name: 'Kite', weight: 0.75, hash: sha256, file_name: 'kite_style', existsLocally: true, inLibrary: true, localPath: '/m/sea/kite_style.safetensors', thumbnailUrl: '/api/lm/previews?path=%2Fm%2Fkite.png', id: 900, modelId: 90, version: 'v1', isDeleted: false, matched_by: 'hash' }]
  })
  t.same(asked, [])
})

t.test('only a definite "not found" marks an entry as deleted', async (t) => {
  t.match((await world({}).text(KITE))?.loras, [{ isDeleted: true, hash: '9f8e7d6c5b', existsLocally: false, file_name: 'kite' }])
  for (const otherwise of [{ kind: 'rate-limited', retryAfter: null }, { kind: 'unavailable', offline: true, message: 'offline' }, { kind: 'invalid', message: 'html' }] as const) {
    t.match((await world({ otherwise }).text(KITE))?.loras, [{ isDeleted: false, unresolved: true }], otherwise.kind)
  }
  const silent = world({ otherwise: { kind: 'rate-limited', retryAfter: 5 } })
  await silent.text(`${KITE}, Hashes: {"lora:b":"1111111111","lora:c":"2222222222"}`)
  t.equal(silent.asked.length, 1, 'who does not answer is not asked again')
})

t.test('CivitAI\'s word fills an entry; what is no LoRA is dropped, and no LoRA becomes the checkpoint', async (t) => {
  const versions = { '9f8e7d6c5b': version(5, 'LORA'), 1111111111: version(6, 'TextualInversion'), '1a2b3c4d5e': version(7, 'LORA') }
  const image = await world({ versions }).text(KITE.replace('"kite: 9f8e7d6c5b"', '"kite: 9f8e7d6c5b, other: 1111111111"'))
  t.match(image, { base_model: 'Pony', checkpoint: { name: 'sky', id: 0 }, loras: [{ name: 'Model 5', id: 5, modelId: 50, version: 'v3', file_name: 'file_5', size: 2048, type: 'lora' }] })
  t.equal(image?.loras.length, 1)
})

t.test('resources and tags of one LoRA are one entry with the strength of the tag', async (t) => {
  const versions = { 22: version(22, 'LORA') }
  const image = await world({ versions }).text('<lora:file_22:0.3> <lora:gone:1>\nSteps: 1, Civitai resources: [{"type":"lora","modelVersionId":22,"weight":0.9}]')
  t.match(image?.loras, [{ id: 22, weight: 0.3 }])
  t.equal(image?.loras.length, 1)
})

t.test('a name that several models bear binds to none of them', async (t) => {
  const loras = library(model({ file_name: 'wave', folder: 'a', file_path: '/m/a/wave.safetensors' }), model({ id: 2, file_name: 'wave', folder: 'b', file_path: '/m/b/wave.safetensors' }))
  t.match((await world({ loras }).text('<lora:wave:1>\nSteps: 1'))?.loras, [{ existsLocally: false, ambiguous: ['/m/a/wave.safetensors', '/m/b/wave.safetensors'] }])
  t.match((await world({ loras }).text('<lora:b/wave:1>\nSteps: 1'))?.loras, [{ localPath: '/m/b/wave.safetensors', matched_by: 'path' }])
})

t.test('a name counts for a hash that nobody knows, unless the file is known to have another', async (t) => {
  const text = KITE.replace('9f8e7d6c5b', '9f8e7d6c5b4a')
  const local = (autov3: string | null) => world({ loras: library(model({ file_name: 'kite', autov3 })) }).text(text)
  t.match((await local(null))?.loras, [{ existsLocally: true, matched_by: 'name' }])
  t.match((await local('000000000000'))?.loras, [{ existsLocally: false, isDeleted: true }])
})

t.test('ids of unknown kind are what a look-up says they are', async (t) => {
  const image = await world({ versions: { 7: version(7, 'Checkpoint'), 8: version(8, 'LORA') } }).meta({ modelVersionIds: [7, 8] })
  t.match(image, { base_model: 'Pony', model: { id: 7, name: 'Model 7' }, loras: [{ id: 8, weight: 1, hash: '8'.padStart(64, 'a') }], from_civitai_image: true })
  t.notOk(image && 'checkpoint' in image)
  const offline = await world({ otherwise: { kind: 'unavailable', offline: true, message: 'offline' } }).meta({ modelVersionIds: [7, 8] })
  t.match(offline, { model: null, loras: [{ id: 7, isDeleted: false, unresolved: true }, { id: 8, unresolved: true }] }, 'nothing is guessed from their order')
})

t.test('a recipe written into an image is read back as it was, and replaced by the next', async (t) => {
  const recipe = { title: 'Boot 船 🚤', base_model: 'Pony', loras: [{ file_name: 'wave', hash: 'AABBCCDDEE', strength: 0.7, modelVersionId: 5, modelName: 'Wave', modelVersionName: 'v1' }], gen_params: { prompt: 'tiny\nboat', steps: 4 }, tags: ['meer'], checkpoint: { name: 'Base', id: 9, hash: '1122334455' } }
  for (const format of ['png', 'jpeg', 'webp'] as const) {
    const once = await embedRecipeMetadata(await pixels(format), { ...recipe, title: 'first' }) ?? Buffer.alloc(0)
    const twice = await embedRecipeMetadata(once, recipe) ?? Buffer.alloc(0)
    const { parameters } = await readEmbeddedTexts(twice)
    t.equal(parameters?.split('Recipe metadata: ').length, 2, 'one marker')
    const parsed = parseImage(await readImageMetadata(twice))
    t.match(parsed, { title: 'Boot 船 🚤', tags: ['meer'], baseModel: 'Pony', genParams: recipe.gen_params, loras: [{ fileName: 'wave', hash: 'aabbccddee', strength: 0.7, versionId: 5, versionName: 'v1' }], checkpoint: { name: 'Base', versionId: 9, hash: '1122334455' } }, format)
  }
  t.equal(withoutMarker('p\nSteps: 1, Recipe metadata: {"a": 1}\nbehind'), 'p\nSteps: 1\nbehind')
  t.equal(withoutMarker('p \n Recipe metadata: {"a": 1}'), 'p')
  t.equal(await embedRecipeMetadata(Buffer.from('no image'), recipe), null)
})
