import { open, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { deflateSync, gzipSync } from 'node:zlib'
import sharp from 'sharp'
import t from 'tap'
import { embedTexts } from '../../../services/images/embed-texts.ts'
import { embeddedTexts, readEmbeddedTexts } from '../../../services/images/embedded-texts.ts'
import { hasWorkflow } from '../../../services/images/has-workflow.ts'
import { imageDimensions } from '../../../services/images/image-dimensions.ts'
import { parseMetadataJson } from '../../../services/images/metadata-json.ts'
import { readImageMetadata } from '../../../services/images/read-metadata.ts'
import { createRecipePreview } from '../../../services/images/recipe-preview.ts'
import { ascii, avif, jpeg, jpegExif, jpegSegment, jxl, mp4, mp4Comment, pixels, png, pngChunk, pngText, stealthPng, tiff, unicode, userComment, webm, webp } from '../../helpers/metadata-images.ts'

const TEXT = 'a lantern, 提灯 🏮, Ölbild\nNegative prompt: fog\nSteps: 5, Sampler: Euler'
const GRAPH = '{"3":{"class_type":"KSampler","inputs":{"seed":18446744073709551615,"text":"提灯 🏮"}}}'
const WORKFLOW = '{"nodes":[],"links":[],"extra":{"title":"ночь"}}'

const texts = async (image: Buffer): Promise<string[][]> => (await readImageMetadata(image)).texts.map(({ carrier, keyword, text }) => [carrier, keyword, text])

t.test('a PNG speaks in every kind of text chunk, before its pixels and behind them', async (t) => {
  const expected = [['png-text', 'parameters', TEXT]]
  t.same(await texts(await png([pngText.wide('parameters', TEXT)])), expected)
  t.same(await texts(await png([pngText.wide('parameters', TEXT, true)], { late: true })), expected, 'packed, behind the pixels')
  t.same(await texts(await png([pngText.packed('parameters', Buffer.from(TEXT))], { late: true })), expected)
  t.same(await texts(await png([pngText.plain('parameters', Buffer.from(TEXT))])), expected, 'UTF-8 where Latin-1 should be')
  t.same(await texts(await png([pngText.plain('Dream', 'Ölbild')])), [['png-text', 'Dream', 'Ölbild']], 'Latin-1')
  t.same(await texts(await png([pngChunk('eXIf', tiff({ exif: [userComment(unicode(TEXT, 'big'))] }))])), [['user-comment', 'UserComment', TEXT]])
  t.same(await texts(await png([pngText.plain('generation_data', '{"a":1}\0\0\0')])), [['png-text', 'generation_data', '{"a":1}']], 'NULs at the end are not part of it')
})

t.test('late texts are found behind any number of pixel chunks, and none of those is read', async (t) => {
  const image = await pixels('png')
  const parts = [image.subarray(0, 33)]
  for (let n = 0; n < 5000; n++) parts.push(pngChunk('IDAT', Buffer.alloc(8192)))
  parts.push(pngChunk('IDAT', Buffer.alloc(77)), pngText.plain('parameters', 'late'), image.subarray(image.length - 12))
  const file = join(t.testdir(), 'long.png')
  await writeFile(file, Buffer.concat(parts))
  const began = performance.now()
  t.match(await readImageMetadata(file), { texts: [{ keyword: 'parameters', text: 'late' }], width: 8, height: 6 })
  t.ok(performance.now() - began < 500, 'forty megabytes are leapt over')
})

t.test('a UserComment is read in every charset and byte order, in either directory', async (t) => {
  const comments: [string, Buffer, 'II' | 'MM'][] = [
    ['UTF-16 big-endian in a little-endian block', unicode(TEXT, 'big'), 'II'],
    ['UTF-16 little-endian', unicode(TEXT, 'little'), 'MM'],
    ['with a byte order mark', unicode(TEXT, 'little', true), 'MM'],
    ['ASCII that is UTF-8', Buffer.from(`ASCII\0\0\0${TEXT}`), 'MM'],
    ['no charset named', Buffer.from(`\0\0\0\0\0\0\0\0${TEXT}`), 'II'],
    ['UNICODE that is UTF-8', Buffer.from(`UNICODE\0${TEXT}`), 'II']
  ]
  for (const [name, value, order] of comments) {
    t.same(await texts(await jpeg([jpegExif(tiff({ order, exif: [userComment(value)] }))])), [['user-comment', 'UserComment', TEXT]], name)
  }
  for (const order of ['little', 'big'] as const) {
    t.same(await texts(await jpeg([jpegExif(tiff({ exif: [userComment(unicode('美しい灯籠、夜の庭、雨', order))] }))])), [['user-comment', 'UserComment', '美しい灯籠、夜の庭、雨']], `without a Latin letter, ${order}`)
  }
  const bare = Buffer.from(`{"prompt":${GRAPH},"workflow":${WORKFLOW}}`)
  t.same(await texts(await webp([['EXIF', tiff({ ifd0: [userComment(bare)] })]])), [['ifd0-user-comment', 'UserComment', bare.toString()]], 'no charset at all, in the first directory')
})

t.test('tags that name a keyword stand for that text, in JPEG, WebP and AVIF', async (t) => {
  const block = tiff({ ifd0: [ascii(0x010e, `Workflow: ${WORKFLOW}`), ascii(0x010f, `Prompt: ${GRAPH}`), ascii(0x0131, 'Some tool')] })
  const expected = [['exif-tag', 'workflow', WORKFLOW], ['exif-tag', 'prompt', GRAPH], ['exif-tag', 'Software', 'Some tool']]
  t.same(await texts(await jpeg([jpegExif(block)])), expected)
  t.same(await texts(await webp([['EXIF', block]])), expected)
  t.same(await texts(await webp([['EXIF', Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), block])]])), expected)
  t.same(await texts(avif(block)), expected)
  t.match(await readImageMetadata(avif(block)), { format: '.avif', width: 640, height: 480 })
})

t.test('XMP, JPEG comments, Brotli boxes and tags of videos are read', async (t) => {
  const packet = '<x:xmpmeta><rdf:RDF><rdf:Description xmp:CreatorTool="Draw Things"><exif:UserComment><rdf:Alt><rdf:li>{&quot;c&quot;:&quot;a &amp;lt; b&quot;}</rdf:li></rdf:Alt></exif:UserComment></rdf:Description></rdf:RDF></x:xmpmeta>'
  const expected = [['xmp', 'xmp:CreatorTool', 'Draw Things'], ['xmp', 'exif:UserComment', '{"c":"a &lt; b"}']]
  t.same(await texts(await png([pngText.wide('XML:com.adobe.xmp', packet)])), expected)
  t.same(await texts(await jpeg([jpegSegment(0xe1, Buffer.from(`http://ns.adobe.com/xap/1.0/\0${packet}`))])), expected)
  t.same(await texts(await webp([['XMP ', Buffer.from(packet)]])), expected)
  t.same(await texts(await jpeg([jpegSegment(0xfe, Buffer.from('hello'))])), [['jpeg-comment', 'Comment', 'hello']])
  t.same(embeddedTexts(await readImageMetadata(jxl({ prompt: JSON.parse(WORKFLOW), workflow: WORKFLOW }))), { parameters: null, prompt: WORKFLOW, workflow: WORKFLOW })
  t.same(await texts(mp4({ prompt: GRAPH, workflow: WORKFLOW })), [['container-tag', 'prompt', GRAPH], ['container-tag', 'workflow', WORKFLOW]])
  t.match(await readImageMetadata(mp4({})), { format: '.mp4', width: 640, height: 360 })
  t.same(await texts(mp4Comment('{"workflow":{}}')), [['container-tag', 'comment', '{"workflow":{}}']])
  t.same(await texts(webm({ PROMPT: GRAPH, COMMENT: 'x' })), [['container-tag', 'prompt', GRAPH], ['container-tag', 'comment', 'x']])
  t.match(await readImageMetadata(webm({})), { format: '.webm', width: 640, height: 360 })
})

t.test('text hidden in the pixels is read only where nothing else speaks', async (t) => {
  t.same(await texts(await stealthPng(Buffer.from(TEXT), 'stealth_pnginfo')), [['stealth-alpha', 'parameters', TEXT]])
  const packed = await stealthPng(gzipSync(TEXT), 'stealth_pngcomp')
  t.same(await texts(packed), [['stealth-alpha', 'parameters', TEXT]])
  t.same((await readImageMetadata(packed, { stealth: false })).texts, [])
  const speaking = Buffer.concat([packed.subarray(0, 33), pngText.plain('parameters', 'x\nSteps: 1'), packed.subarray(33)])
  t.same(await texts(speaking), [['png-text', 'parameters', 'x\nSteps: 1']])
  t.same((await readImageMetadata(await png([], { alpha: true }))).warnings, [], 'plain alpha hides nothing')
})

t.test('bombs and broken files cost nothing and are told', async (t) => {
  const bomb = pngChunk('zTXt', Buffer.concat([Buffer.from('parameters\0\0', 'latin1'), deflateSync(Buffer.alloc(40 * 1024 * 1024))]))
  const image = await png([bomb, pngText.plain('parameters', 'honest')])
  const before = process.memoryUsage().rss
  t.match(await readImageMetadata(image), { texts: [{ text: 'honest' }], warnings: ['A packed text was left out: it is too large'] })
  t.ok(process.memoryUsage().rss - before < 100 * 1024 * 1024)
  for (const broken of [Buffer.alloc(0), image.subarray(0, 20), Buffer.from('RIFF\xff\xff\xff\xffWEBP', 'latin1'), Buffer.from('ffd8ffe1ffff', 'hex'), mp4({ a: 'b' }).subarray(0, 5200)]) {
    t.same((await readImageMetadata(broken)).texts, [])
  }
  const loop = tiff({ ifd0: [ascii(0x010e, 'x')] })
  loop.writeUInt32BE(8, loop.length - 12)
  await readImageMetadata(await jpeg([jpegExif(loop)]))
  const huge = join(t.testdir(), 'huge.png')
  await writeFile(huge, await png([pngText.plain('parameters', 'first')]))
  await truncate(huge, 2 ** 31)
  t.match(await readImageMetadata(huge), { texts: [{ text: 'first' }] })
  await t.rejects(readImageMetadata(join(t.testdir(), 'none.png')), { code: 'ENOENT' })
})

t.test('JSON of generators keeps long seeds exact and survives bare NaN', async (t) => {
  t.same(parseMetadataJson('\ufeff {"a":18446744073709551615,"b":-9007199254740993,"c":9007199254740991,"d":[NaN,-Infinity],"e":"NaN 18446744073709551615","f":1.25e3}'),
    { a: '18446744073709551615', b: '-9007199254740993', c: 9007199254740991, d: [null, null], e: 'NaN 18446744073709551615', f: 1250 })
  t.equal(parseMetadataJson('['.repeat(100_000)), undefined)
  t.equal(parseMetadataJson('plain'), undefined)
  t.equal(parseMetadataJson('{"a":'), undefined)
})

t.test('texts are written without touching a pixel and read back whole', async (t) => {
  const written = { parameters: TEXT, prompt: GRAPH, workflow: WORKFLOW }
  for (const format of ['png', 'jpeg', 'webp'] as const) {
    const image = await pixels(format)
    const first = embedTexts(image, written) ?? Buffer.alloc(0)
    t.same(await readEmbeddedTexts(first), written, format)
    const again = embedTexts(first, { ...written, parameters: 'shorter' }) ?? Buffer.alloc(0)
    t.same(await readEmbeddedTexts(again), { ...written, parameters: 'shorter' }, `${format}, replaced`)
    const bare = embedTexts(again, { parameters: null, prompt: null, workflow: null }) ?? Buffer.alloc(0)
    t.same(await readEmbeddedTexts(bare), { parameters: null, prompt: null, workflow: null }, `${format}, removed`)
    t.same(await sharp(again).raw().toBuffer(), await sharp(image).raw().toBuffer())
    t.equal((await sharp(again).metadata()).width, 8)
    t.equal(await hasWorkflow(again), true)
    t.equal(await hasWorkflow(bare), false)
  }
  const other = await png([pngText.plain('Author', 'someone'), pngText.plain('parameters', 'old')])
  t.same(await texts(embedTexts(other, { parameters: 'new', prompt: null, workflow: null }) ?? other), [['png-text', 'Author', 'someone'], ['png-text', 'parameters', 'new']])
  t.equal(embedTexts(mp4({}), written), null)
  t.equal(embedTexts(other.subarray(0, 60), written), null)
})

t.test('the UserComment is UTF-16 big-endian and the description names the workflow, as other readers expect', async (t) => {
  const image = embedTexts(await pixels('webp'), { parameters: 'é提', prompt: null, workflow: WORKFLOW }) ?? Buffer.alloc(0)
  const exif = (await sharp(image).metadata()).exif ?? Buffer.alloc(0)
  t.ok(exif.includes(Buffer.from('UNICODE\0\x00\xe9\x63\xd0', 'latin1')))
  t.ok(exif.includes(`Workflow:${WORKFLOW}`))
})

t.test('a rotated image stays rotated when its texts change', async (t) => {
  const image = await sharp({ create: { width: 20, height: 10, channels: 3, background: 'red' } }).jpeg().withMetadata({ orientation: 6 }).toBuffer()
  const marked = embedTexts(image, { parameters: 'x', prompt: null, workflow: null }) ?? Buffer.alloc(0)
  t.equal((await sharp(marked).metadata()).orientation, 6)
  t.same(await imageDimensions(marked), { width: 10, height: 20 })
})

t.test('a recipe image is WebP of a card\'s width with the texts of its source; what can\'t be decoded keeps its bytes', async (t) => {
  const large = await sharp({ create: { width: 960, height: 500, channels: 3, background: 'blue' } }).png().toBuffer()
  const source = embedTexts(large, { parameters: TEXT, prompt: GRAPH, workflow: WORKFLOW }) ?? large
  const { extension, data } = await createRecipePreview(source)
  t.equal(extension, '.webp')
  t.same(await imageDimensions(data ?? large), { width: 480, height: 250 })
  t.same(await readEmbeddedTexts(data ?? large), { parameters: TEXT, prompt: GRAPH, workflow: WORKFLOW })

  const hidden = await createRecipePreview(await stealthPng(Buffer.from(TEXT), 'stealth_pnginfo'))
  t.equal((await readEmbeddedTexts(hidden.data ?? large)).parameters, TEXT, 'what the pixels hid outlives them')

  const small = await createRecipePreview(await pixels('png'))
  t.same(await imageDimensions(small.data ?? large), { width: 8, height: 6 }, 'never enlarged')
  const file = join(t.testdir(), 'named-wrongly.jpg')
  await writeFile(file, mp4({}))
  t.same(await createRecipePreview(file), { extension: '.mp4', data: null })
  t.same(await createRecipePreview(large.subarray(0, 200)), { extension: '.png', data: null })
  t.same(await createRecipePreview(Buffer.from('not an image')), { extension: '.jpg', data: null })
  const sixteen = await sharp({ create: { width: 20, height: 10, channels: 3, background: 'red' } }).toColourspace('rgb16').png().toBuffer()
  t.equal((await createRecipePreview(sixteen)).extension, '.webp')
  const cmyk = await sharp({ create: { width: 20, height: 10, channels: 3, background: 'red' } }).toColourspace('cmyk').jpeg().toBuffer()
  t.equal((await createRecipePreview(cmyk)).extension, '.webp')
})

t.test('sizes are read from headers, and only of what cards show', async (t) => {
  for (const format of ['png', 'jpeg', 'webp'] as const) t.same(await imageDimensions(await pixels(format)), { width: 8, height: 6 }, format)
  t.same(await imageDimensions(await sharp(await pixels('png')).gif().toBuffer()), { width: 8, height: 6 })
  for (const image of [mp4({}), avif(tiff({})), Buffer.alloc(3), join(t.testdir(), 'missing.webp')]) t.equal(await imageDimensions(image), null)
  const file = join(t.testdir({}), 'x.webp')
  await (await open(file, 'w')).close()
  t.equal(await imageDimensions(file), null)
})
