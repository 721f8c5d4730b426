import fc from 'fast-check'
import t from 'tap'
import { AUTO_TAG_LABELS, autoTagMask, autoTagsOf } from '../../../services/models/auto-tags.ts'
import { DIFFUSION_BASE_MODELS, KNOWN_BASE_MODELS, baseModelFromHeader, canonicalBaseModel } from '../../../services/models/base-model-names.ts'
import { licenseFlags } from '../../../services/models/license-flags.ts'
import { civitaiAutov3, otherHashes } from '../../../services/models/other-hashes.ts'
import { PREVIEW_EXTENSIONS, createPreviewFinder, findPreview, isMediaFile, mediaType, previewExtension } from '../../../services/models/preview-file.ts'
import { slimCivitai } from '../../../services/models/slim-civitai.ts'

t.test('previews are found in the agreed order, whatever the order of the listing', async () => {
  fc.assert(fc.property(fc.shuffledSubarray([...PREVIEW_EXTENSIONS], { minLength: 1 }), (endings) => {
    const expected = PREVIEW_EXTENSIONS.find((ending) => endings.includes(ending)) ?? ''
    return findPreview('a.b', new Set(['a.b.safetensors', 'a.webp', 'a.b.c.png', ...endings.map((ending) => `a.b${ending}`)])) === `a.b${expected}`
  }))
})

t.test('exact spelling goes before any other, and late formats come last', async (t) => {
  const find = (stem: string, ...names: string[]): string | undefined => findPreview(stem, new Set(names))
  t.equal(find('Model', 'model.webp', 'Model.png'), 'Model.png')
  t.equal(find('Model', 'MODEL.WEBP', 'model.PNG'), 'MODEL.WEBP')
  t.equal(find('Model', 'Model.JPG', 'Model.mov'), 'Model.JPG')
  t.equal(find('Model', 'Model.mov', 'Model.avi'), 'Model.mov')
  t.equal(find('Model', 'MODEL.AVI'), 'MODEL.AVI')
  t.equal(find('Model', 'model.png', 'MODEL.png'), 'MODEL.png', 'a tie is broken the same way every time')
  t.equal(find('Model', 'Model.example.1.jpeg', 'Model.txt', 'Other.png'), undefined)
  t.equal(find('a.preview', 'a.preview.png'), 'a.preview.png', 'a stem may end in .preview itself')
  const odd = 'quo"te\n🌸…'
  t.equal(find(odd, `${odd}.webp`), `${odd}.webp`)
})

t.test('a directory of 20,000 models is answered at once', async (t) => {
  const names = new Set(Array.from({ length: 20_000 }, (_, place) => [`m${place}.safetensors`, `M${place}.PNG`]).flat())
  const finder = createPreviewFinder(names)
  const start = performance.now()
  for (let place = 0; place < 20_000; place++) if (finder.find(`m${place}`) !== `M${place}.PNG`) t.fail(`m${place}`)
  t.ok(performance.now() - start < 1500)
})

t.test('endings prefer the compound form, and only media are media', async (t) => {
  t.equal(previewExtension('a.Preview.PNG'), '.Preview.PNG')
  t.equal(previewExtension('a.example.0.jpeg'), '.example.0.jpeg')
  t.equal(previewExtension('a.example.0.png'), '.png')
  t.equal(previewExtension('a.safetensors'), '')
  t.equal(mediaType('A.AVIF'), 'image/avif')
  t.equal(mediaType('a.jxl'), 'image/jxl')
  t.equal(mediaType('a.mov'), 'video/quicktime')
  for (const name of ['a', 'settings.json', 'a.png.safetensors', '.constructor', 'a.svg', 'a.html']) t.notOk(isMediaFile(name), name)
})

t.test('auto tags are words, with HIGH and LOW for Wan only', async (t) => {
  const tags = (file: string, base = '', version = '', own: string[] = []): string[] => autoTagsOf(autoTagMask(file, base, version, own))
  t.same(tags('wan_i2v-lightning', 'Wan Video', 'HighNoise'), ['HIGH', 'I2V', 'Lightning'])
  t.same(tags('highlight_flow slower', 'Wan Video'), [])
  t.same(tags('model_LOW', 'wan video 2.2'), ['LOW'])
  t.same(tags('model_LOW_high', 'Flux.1 D'), [])
  t.same(tags('xi2v t2v3 turbocharged'), [])
  t.same(tags('ti2v', 'Wan Video 14B t2v', 'Turbo'), ['T2V', 'TI2V', 'Turbo'])
  t.same(tags('a', '', '', ['high', 'TURBO', 'style']), ['HIGH', 'Turbo'])
  t.same(tags('turb', 'o'), [], 'nothing is found across two names')
  t.same(autoTagsOf(127), [...AUTO_TAG_LABELS])
  t.same([...AUTO_TAG_LABELS], [...AUTO_TAG_LABELS].sort(), 'labels are in order')
})

t.test('licence flags follow the version, then the top level, then the defaults', async (t) => {
  const model = (fields: object): number => licenseFlags({ civitai: { model: fields } })
  t.equal(licenseFlags({}), 113)
  t.equal(licenseFlags({ civitai: 'odd', allowNoCredit: 'odd' }), 113)
  t.equal(model({ allowCommercialUse: [] }), 97)
  t.equal(model({ allowCommercialUse: ['Image', 'RentCivit', 'Rent', 'Sell'] }), 127)
  t.equal(model({ allowCommercialUse: '{Image,Rent}' }), 97 + 2 + 8)
  t.equal(model({ allowCommercialUse: ['{image,RENT_civit}', 3] }), 97 + 2 + 4)
  t.equal(model({ allowCommercialUse: 'Sell, Unknown' }), 113)
  t.equal(model({ allowNoCredit: false, allowDerivatives: false, allowDifferentLicense: false, allowCommercialUse: 'None' }), 0)
  t.equal(licenseFlags({ allowNoCredit: false, allowCommercialUse: ['Image'] }), 98)
})

t.test('base models keep exact names and read header strings', async (t) => {
  t.equal(canonicalBaseModel('sdxl lightning'), 'SDXL Lightning')
  t.equal(canonicalBaseModel('Pony V7'), 'Pony V7')
  t.equal(canonicalBaseModel(' Something new '), 'Something new')
  t.equal(canonicalBaseModel(''), 'Unknown')
  const header = {
    'sd_1.5': 'SD 1.5',
    sd_v1: 'SD 1.5',
    'sd-v2-1-768': 'SD 2.1',
    sd_v2_v: 'SD 2.1',
    sd_v2: 'SD 2.0',
    'sdxl_base_v1-0': 'SDXL 1.0',
    flux1: 'Flux.1 D',
    'my illustrious': 'Illustrious',
    'il-v2': 'Illustrious',
    ponyxl: 'Pony',
    'sd3.5_large': 'SD 3.5 Large',
    sd3_m: 'SD 3',
    qwen_image: 'Qwen',
    hunyuan_video: 'Hunyuan Video',
    'wan2.1': 'Wan Video',
    'stable-diffusion-xl-v1-base/lora': 'SDXL 1.0',
    'SDXL Hyper': 'SDXL Hyper',
    'oil painting': 'oil painting',
    '': 'Unknown'
  }
  for (const [text, name] of Object.entries(header)) t.equal(baseModelFromHeader(text), name, text)
  t.equal(new Set(KNOWN_BASE_MODELS).size, KNOWN_BASE_MODELS.length)
  t.equal(DIFFUSION_BASE_MODELS.size, 42)
  for (const name of ['Flux.1 Kontext', 'Wan Video 2.5 I2V', 'Krea 2', 'SVD']) t.ok(DIFFUSION_BASE_MODELS.has(name), name)
  for (const name of ['Pony', 'HappyHorse', 'SDXL 1.0', 'Wan Video 2.7']) t.notOk(DIFFUSION_BASE_MODELS.has(name), name)
})

t.test('of a CivitAI version only what lists need is kept', async (t) => {
  t.same(slimCivitai({ id: 1, modelId: '22', name: 'v1', creator: { username: 'u', image: 'x' }, trainedWords: ['a', 3], model: { type: 'LORA', name: 'n' }, images: [1] }),
    { id: 1, modelId: 22, name: 'v1', creator: { username: 'u' }, trainedWords: ['a'], model: { type: 'LORA' } })
  for (const nothing of [null, undefined, {}, [], 'text', { trainedWords: [], name: '', id: null, creator: 'x' }]) t.equal(slimCivitai(nothing), null)
})

t.test('further hashes come from the entry of the very file', async (t) => {
  const civitai = {
    files: [
      'odd',
      { primary: true, hashes: { SHA256: 'AA', AutoV1: 'ONE', AutoV3: 'ABCDEF012345' } },
      { hashes: { SHA256: 'BB', CRC32: 'C', BLAKE3: 'D', AutoV3: 'E3B0C44298FC' } }
    ]
  }
  t.same(otherHashes(civitai, 'bb'), { CRC32: 'C', BLAKE3: 'D' })
  t.same(otherHashes(civitai, ''), { AutoV1: 'ONE' }, 'the primary file while our hash is unknown')
  t.equal(otherHashes(civitai, 'cc'), null)
  t.equal(civitaiAutov3(civitai, 'aa'), 'abcdef012345')
  t.equal(civitaiAutov3(civitai, 'bb'), '', 'the hash of nothing')
  t.equal(civitaiAutov3(civitai, ''), '')
})
