import t from 'tap'
import { earlyAccessEnd, hasEarlyAccessFlag, isDownloadable, isEarlyAccess, isPaid, paidAccessOf } from '../../../services/civitai/access.ts'
import { cdnImageId, civitaiBases, civitaiOrigins, configuredBase, downloadAddress, imagePageAddress, modelPageAddress, readPageAddress } from '../../../services/civitai/addresses.ts'
import { chosenFile, defaultFile, fileWithHash, isDiffusionModel, kindOfModelType, primaryWeightFile } from '../../../services/civitai/file-choice.ts'
import { choosePreview } from '../../../services/civitai/preview-choice.ts'

const settings = (bases: unknown = {}) => ({ get: <T>(key: string) => (key === 'provider_base_urls' ? bases : undefined) as T })

t.test('pages of the site are read in every host and spelling, and nothing else is', async (t) => {
  for (const [address, expected] of [
    ['https://civitai.com/models/12', { page: 'model', modelId: 12, versionId: null }],
    ['http://civitai.red/models/12/some-slug?modelVersionId=34&x=1', { page: 'model', modelId: 12, versionId: 34 }],
    [' https://www.civitai.green/models/12/?modelVersionId=x ', { page: 'model', modelId: 12, versionId: null }],
    ['https://civitai.com/images/5', { page: 'image', imageId: 5 }]
  ] as const) t.same(readPageAddress(address), expected, address)
  for (const address of ['https://civitai.com.evil.example/models/12', 'https://civitai.com/user/12', 'https://civitai.com/models/12x', 'ftp://civitai.com/models/1', 'models/12', '']) t.equal(readPageAddress(address), null, address)
  t.equal(modelPageAddress('civitai.red', { modelId: 1, versionId: 2 }), 'https://civitai.red/models/1?modelVersionId=2')
  t.equal(modelPageAddress('civitai.com', { modelId: 1 }), 'https://civitai.com/models/1')
  t.equal(modelPageAddress('civitai.com', { versionId: 2 }), 'https://civitai.com/model-versions/2')
  t.equal(modelPageAddress('civitai.com', {}), null)
  t.equal(imagePageAddress('civitai.com', 3), 'https://civitai.com/images/3')
  t.equal(cdnImageId('https://image.civitai.com/x/uuid/width=450/123.jpeg?token=1'), 123)
  t.equal(cdnImageId('https://image.civitai.com/x/uuid/name.mp4'), null)
})

t.test('a configured address stands alone: neither questions, downloads nor the key go elsewhere', async (t) => {
  t.same(civitaiBases(settings()), ['https://civitai.red/api/v1', 'https://civitai.com/api/v1'])
  t.same(civitaiOrigins(settings()), ['https://civitai.com', 'https://civitai.red'])
  const own = settings({ civitai: 'http://127.0.0.1:9/', civarchive: 'http://h/x/', huggingface: 'nonsense', llm: 'file:///etc' })
  t.same(civitaiBases(own), ['http://127.0.0.1:9/api/v1'])
  t.same(civitaiOrigins(own), ['http://127.0.0.1:9'])
  t.equal(configuredBase(own, 'civarchive', '/api'), 'http://h/x')
  t.equal(configuredBase(own, 'huggingface', ''), null)
  t.equal(configuredBase(own, 'llm', ''), null)
  for (const host of ['civitai.com', 'civitai.red', 'civitai.green']) {
    t.equal(downloadAddress(settings(), `https://${host}/api/download/models/5?type=Model`), 'https://civitai.com/api/download/models/5?type=Model')
    t.equal(downloadAddress(own, `https://${host}/api/download/models/5`), 'http://127.0.0.1:9/api/download/models/5')
  }
  for (const address of ['https://mirror.example/api/download/models/5', 'https://civitai.com/models/5', 'nonsense']) t.equal(downloadAddress(own, address), address)
})

t.test('early access, paid access and on-site use are told apart', async (t) => {
  const now = Date.parse('2026-01-01')
  const later = '2026-02-01T00:00:00Z'
  const earlier = '2025-02-01T00:00:00Z'
  t.equal(isEarlyAccess({}, now), false)
  t.equal(isEarlyAccess({ availability: 'EarlyAccess' }, now), true)
  t.equal(isEarlyAccess({ availability: 'EarlyAccess', earlyAccessEndsAt: earlier }, now), false)
  t.equal(isEarlyAccess({ earlyAccessEndsAt: later }, now), true)
  t.equal(isEarlyAccess({ earlyAccessEndsAt: 'some day' }, now), true)
  t.equal(isEarlyAccess({ paidAccess: { permanent: true, endsAt: null }, availability: 'EarlyAccess' }, now), false)
  t.equal(isEarlyAccess({ paidAccess: `{"permanent":true,"endsAt":"${later}"}` }, now), true)
  t.equal(earlyAccessEnd({ paidAccess: { endsAt: later } }), later)
  t.equal(hasEarlyAccessFlag({ paidAccess: { endsAt: later } }), true)
  t.equal(isPaid({ paidAccess: '{"permanent":true}' }), true)
  for (const paidAccess of [null, {}, '', '{', { permanent: false, endsAt: null }, 5]) t.equal(paidAccessOf({ paidAccess }), null)
  t.same([undefined, null, 'Download', 'Generation', 'InternalGeneration'].map((usageControl) => isDownloadable({ usageControl })), [true, true, true, false, false])
})

t.test('the file to download is the primary one with weights, unless another is named', async (t) => {
  const config = { id: 1, type: 'Config', primary: true }
  const pruned = { id: 2, type: 'Pruned Model', metadata: { format: 'SafeTensor', size: 'pruned', fp: 'fp16' } }
  const full = { id: 3, type: 'Model', primary: true, metadata: { format: 'SafeTensor', size: 'full', fp: 'fp32' }, hashes: { SHA256: 'A'.repeat(64) } }
  const other = { id: 4, type: 'Model', metadata: { format: 'SafeTensor', size: 'pruned', fp: null } }
  const files = [config, pruned, other, full]
  t.equal(primaryWeightFile(files), full)
  t.equal(defaultFile(files), full)
  t.equal(defaultFile([config, pruned]), pruned)
  t.equal(defaultFile([{ id: 5, type: 'VAE', primary: true }])?.id, 5)
  t.equal(defaultFile([config, { type: 'Archive', primary: true }, { type: 'Training Data' }]), null)
  t.equal(chosenFile(files, { id: '2' }), pruned)
  t.equal(chosenFile(files, { id: 9, isPrimary: true }), null, 'an id that is none is not another file')
  t.equal(chosenFile(files, { isPrimary: true }), full)
  t.equal(chosenFile(files, { format: 'SafeTensor', size: 'full' }), full)
  t.equal(chosenFile(files, { type: 'Model', metadata: { format: 'SafeTensor', size: 'pruned', fp: 'fp8' } }), other)
  t.equal(chosenFile(files, { type: 'Pruned Model', format: 'PickleTensor' }), null)
  t.equal(fileWithHash(files, 'a'.repeat(64)), full)
  t.equal(fileWithHash(files, 'b'.repeat(64)), null)
  t.same(['LORA', 'DoRA', 'locon', 'Checkpoint', 'TextualInversion', 'VAE', '', null, 'constructor'].map(kindOfModelType), ['lora', 'lora', 'lora', 'checkpoint', 'embedding', null, null, null, null])
  t.equal(isDiffusionModel({ baseModel: 'Flux.1 D' }), true)
  t.equal(isDiffusionModel({ baseModel: 'Pony' }), false)
  t.equal(isDiffusionModel({ baseModel: 'Pony', files: [{ type: 'UNet' }] }), true)
})

t.test('the preview is the first, or the first mild one, or the mildest', async (t) => {
  const image = (nsfwLevel: unknown, url = `https://image.civitai.com/a/original=true/${String(nsfwLevel)}.jpeg`) => ({ nsfwLevel: nsfwLevel as number, url })
  const shown = (images: ReturnType<typeof image>[], blur = true, level = 'R') => choosePreview(images, { blur, level })?.nsfwLevel
  t.equal(shown([image(16), image(1)], false), 16)
  t.equal(shown([image(16), image(4), image(2), image(1)]), 2)
  t.equal(shown([image(16), image(4)], true, 'X'), 4)
  t.equal(shown([image(16), image(8), image(8)], true, 'PG13'), 8)
  t.equal(shown([image('Soft'), image(1)]), 0, 'a level that is a word counts as none')
  t.equal(choosePreview([{ nsfwLevel: 1 }], { blur: true, level: 'R' }), null)
  t.match(choosePreview([image(1)], { blur: true, level: '?' }), { kind: 'image', smaller: 'https://image.civitai.com/a/width=450,optimized=true/1.jpeg' })
  t.match(choosePreview([image(1, 'https://image.civitai.com/a/original=true/1.mp4')], { blur: true, level: 'R' }), { kind: 'video', smaller: 'https://image.civitai.com/a/transcode=true,width=450,optimized=true/1.mp4' })
  t.match(choosePreview([image(1, 'https://civitai.com/original=true/1.png')], { blur: true, level: 'R' }), { smaller: null })
})
