import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'
import sharp from 'sharp'
import t from 'tap'
import { createLanes } from '../../../services/images/lanes.ts'
import { preparePreview } from '../../../services/images/preview.ts'
import { isAnimatedPng, sniffMedia } from '../../../services/images/sniff-media.ts'

const directory = t.testdir()
let serial = 0
const file = (bytes: Uint8Array): string => {
  const path = join(directory, `${serial++}`)
  writeFileSync(path, bytes)
  return path
}
const plain = (width: number, height: number) => sharp({ create: { width, height, channels: 3, background: { r: 200, g: 30, b: 30 } } })
const box = (brand: string, ...compatible: string[]): Buffer => {
  const body = Buffer.from(`ftyp${brand}\0\0\0\0${compatible.join('')}`, 'latin1')
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length + 4)
  return Buffer.concat([length, body, Buffer.alloc(64)])
}

function chunk (name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name), data])
  const frame = Buffer.alloc(body.length + 8)
  frame.writeUInt32BE(data.length, 0)
  body.copy(frame, 4)
  frame.writeUInt32BE(crc32(body), body.length + 4)
  return frame
}

function png (width: number, height: number, between: Buffer[] = []): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 0], 8)
  const rows = Buffer.alloc(Math.min(height * (width + 1), 1_000_000))
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', header), ...between, chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))])
}

t.test('media are told by their bytes, whatever they are called', async (t) => {
  const cases: [string | undefined, Buffer][] = [
    ['.png', png(1, 1)], ['.jpg', await plain(2, 2).jpeg().toBuffer()], ['.webp', await plain(2, 2).webp().toBuffer()], ['.gif', await plain(2, 2).gif().toBuffer()], ['.tiff', await plain(2, 2).tiff().toBuffer()],
    ['.avif', await plain(2, 2).avif().toBuffer()], ['.avif', box('avis', 'avis')], ['.avif', box('mif1', 'avif')], ['.jxl', Buffer.from('ff0a00', 'hex')], ['.jxl', Buffer.from('0000000c4a584c200d0a870a', 'hex')],
    ['.mp4', box('isom', 'iso2avc1mp41')], ['.mp4', box('mp42')], ['.mp4', box('M4V ')], ['.mov', box('qt  ')], ['.mov', Buffer.concat([Buffer.from([0, 0, 0, 8]), Buffer.from('wide')])],
    ['.webm', Buffer.concat([Buffer.from('1a45dfa3', 'hex'), Buffer.from('\x42\x82\x84webm', 'latin1')])], ['.avi', Buffer.from('RIFF\0\0\0\0AVI LIST')],
    [undefined, Buffer.from('RIFF\0\0\0\0WAVEfmt ')], [undefined, Buffer.concat([Buffer.from('1a45dfa3', 'hex'), Buffer.from('\x42\x82\x88matroska', 'latin1')])], [undefined, box('heic', 'mif1')], [undefined, box('M4A ')],
    [undefined, Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')], [undefined, Buffer.from('<!doctype html>')], [undefined, Buffer.from('%PDF-1.7')], [undefined, Buffer.from('PK\x03\x04')], [undefined, Buffer.alloc(0)], [undefined, Buffer.from('GIF')], [undefined, Buffer.from('\0\0\0\x08ftyp')]
  ]
  for (const [ending, bytes] of cases) t.equal(sniffMedia(bytes), ending, `${bytes.toString('hex', 0, 16)} is ${ending}`)
})

t.test('an image becomes WebP of at most 480 pixels width, never larger than it was', async (t) => {
  for (const [width, height, expected] of [[1000, 600, [480, 288]], [480, 10, [480, 10]], [100, 900, [100, 900]]] as const) {
    for (const source of [plain(width, height).png(), plain(width, height).jpeg(), plain(width, height).tiff()]) {
      const { extension, data } = await preparePreview(file(await source.toBuffer()))
      t.equal(extension, '.webp')
      const made = await sharp(data ?? Buffer.alloc(0)).metadata()
      t.same([made.format, made.width, made.height, made.exif], ['webp', ...expected, undefined])
    }
  }
})

t.test('an image stands upright as its orientation says', async (t) => {
  const lying = await plain(400, 200).withMetadata({ orientation: 6 }).jpeg().toBuffer()
  const { data } = await preparePreview(file(lying))
  const { width, height, orientation } = await sharp(data ?? Buffer.alloc(0)).metadata()
  t.same([width, height, orientation], [200, 400, undefined])
})

t.test('animations stay animated', async (t) => {
  const frames = await sharp([await plain(600, 300).png().toBuffer(), await plain(600, 300).negate().png().toBuffer()], { join: { animated: true } }).webp({ delay: [50, 70], loop: 3 }).toBuffer()
  const made = await preparePreview(file(frames))
  const after = await sharp(made.data ?? Buffer.alloc(0), { animated: true }).metadata()
  t.same([made.extension, after.pages, after.width, after.pageHeight, after.delay, after.loop], ['.webp', 2, 480, 240, [50, 70], 3])

  const gif = await sharp([await plain(60, 30).png().toBuffer(), await plain(60, 30).negate().png().toBuffer()], { join: { animated: true } }).gif().toBuffer()
  t.same(await preparePreview(file(gif)), { extension: '.gif', data: null })

  const moving = png(8, 8, [chunk('tEXt', Buffer.from('a\0b')), chunk('acTL', Buffer.alloc(8, 1))])
  t.ok(isAnimatedPng(moving))
  t.notOk(isAnimatedPng(png(8, 8)))
  t.same(await preparePreview(file(moving)), { extension: '.png', data: null })
})

t.test('video keeps its bytes and gets the ending that they call for', async (t) => {
  t.same(await preparePreview(file(box('isom', 'mp41'))), { extension: '.mp4', data: null })
  t.same(await preparePreview(file(box('qt  '))), { extension: '.mov', data: null })
  t.same(await preparePreview(file(Buffer.from('RIFF\0\0\0\0AVI LIST'))), { extension: '.avi', data: null })
})

t.test('what can not be decoded is refused', async (t) => {
  const whole = await plain(600, 600).png().toBuffer()
  const noise = await sharp(Buffer.from(Array.from({ length: 300 * 300 * 3 }, (_, n) => n * 7919 % 251)), { raw: { width: 300, height: 300, channels: 3 } }).jpeg().toBuffer()
  const bad = {
    text: Buffer.from('not an image'),
    empty: Buffer.alloc(0),
    'cut off PNG': whole.subarray(0, whole.length / 2),
    'cut off JPEG': noise.subarray(0, noise.length / 2),
    'signature only': Buffer.from('89504e470d0a1a0a', 'hex'),
    'GIF header only': Buffer.from('GIF89a\x01\0\x01\0', 'latin1'),
    'JPEG XL, which nothing here decodes': Buffer.from('ff0a000000', 'hex')
  }
  for (const [name, bytes] of Object.entries(bad)) await t.rejects(preparePreview(file(bytes)), { kind: 'invalid', code: 'preview-not-readable' }, name)
  t.ok(existsSync(directory))
})

t.test('a file that claims more pixels than are decoded is refused at once', async (t) => {
  await preparePreview(file(await plain(10, 10).png().toBuffer()))
  const begun = performance.now()
  await t.rejects(preparePreview(file(png(20_000, 20_000))), { code: 'preview-not-readable' })
  t.ok(performance.now() - begun < 1000)
})

t.test('lanes run a few tasks at a time and refuse what can not wait', async (t) => {
  const lanes = createLanes(2, 2)
  let running = 0
  let most = 0
  const ends: (() => void)[] = []
  const task = async (): Promise<void> => {
    most = Math.max(most, ++running)
    await new Promise<void>((resolve) => { ends.push(resolve) })
    running--
  }
  const waiting = [lanes.run(task), lanes.run(task), lanes.run(task), lanes.run(task)]
  await t.rejects(lanes.run(task), { kind: 'unavailable', code: 'images-busy' })
  t.equal(running, 2)
  for (let ended = 0; ended < waiting.length;) {
    const end = ends.shift()
    if (end) ended++
    end?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(waiting)
  t.equal(most, 2)
  t.equal(await lanes.run(async () => 'free again'), 'free again')
  await t.rejects(lanes.run(async () => { throw new Error('a task fails') }), { message: 'a task fails' })
  t.equal(await lanes.run(async () => 'and again'), 'and again')
})
