import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import t from 'tap'
import { createCountNeeded } from '../../../services/example-images/count-needed.ts'
import { fileUri, folderAddress, localPath } from '../../../services/example-images/local-address.ts'
import { libraryFolders } from '../../../services/example-images/places.ts'
import { createProgressFile } from '../../../services/example-images/progress-file.ts'
import { isSameImage, renditionsOf } from '../../../services/example-images/rendition.ts'
import { newPlaces } from '../../../services/example-images/sources.ts'
import { createShrinkSaved } from '../../../services/example-images/shrink-saved.ts'
import { exampleAddress } from '../../../services/example-images/static-serving.ts'
import type { ModelLibrary } from '../../../services/models/ports.ts'
import { modelTypes } from '../../../services/models/types.ts'

t.test('the smaller rendition of the content network is asked for first, other addresses stay as they are', async (t) => {
  const url = 'https://image.civitai.com/account/1234-uuid/original=true/77.jpeg'
  t.same(renditionsOf(url, true), ['https://image.civitai.com/account/1234-uuid/optimized=true', url])
  t.same(renditionsOf(url, false), [url])
  for (const other of ['https://image.civitai.com/account', 'https://example.com/a/b/c.png', 'https://image.civitai.com.evil.org/a/b/c.png']) t.same(renditionsOf(other, true), [other])
  t.ok(isSameImage(url, 'https://image.civitai.com/account/1234-uuid/optimized=true'))
  t.notOk(isSameImage(7, url))
})

t.test('libraries have folders of their own whatever they are called, and none that leads elsewhere', async (t) => {
  const names = ['a b', 'a_b', 'A_B', '..', '.', '_deleted', '0'.repeat(64), 'plain']
  const folders = [...libraryFolders(names).values()]
  t.equal(new Set(folders.map((folder) => folder.toLowerCase())).size, names.length)
  t.equal(folders[0], 'a_b')
  t.equal(folders.at(-1), 'plain')
  for (const folder of folders) t.match(folder, /^(?!\.+$)(?!_deleted$)(?![0-9a-f]{64}$)[A-Za-z0-9_.-]+$/)
})

t.test('images are found again in another list by id or address; those without either stay', async (t) => {
  const identity = (id: number) => [id, ''] as const
  t.same(newPlaces([identity(1), identity(2), identity(3)], [{ id: 3 }, { id: 1 }]), [1, -1, 0])
  t.same(newPlaces([[0, '']], [{ id: 9 }]), [0])
  t.same(newPlaces([identity(1), identity(1)], [{ id: 1 }, { id: 1 }]), [0, 1], 'twins keep their places')
})

t.test('folders are spelled for the user\'s own machine', async (t) => {
  t.equal(localPath('C:\\pics\\', 'lib/ab'), 'C:\\pics\\lib\\ab')
  t.equal(localPath('/', 'ab'), '/ab')
  t.equal(fileUri('C:\\my pics\\ä'), 'file:///C:/my%20pics/%C3%A4')
  t.equal(folderAddress('x:{{relative_path}}|{{unknown}}', '/p', 'a b'), 'x:a b|{{unknown}}')
  for (const template of ['JavaScript:x', ' data:,', 'vbscript:x', '{{relative_path}}']) t.throws(() => folderAddress(template, '/p', 'r'), { name: 'DomainError' })
})

t.test('an address names a media file in the folder of a model and nothing else', async (t) => {
  const hash = 'a'.repeat(64)
  for (const good of [`${hash}/image_0.png`, `lib.1/${hash}/custom_x.MP4`]) t.equal(exampleAddress(good), good)
  for (const bad of ['', hash, `${hash}/`, `../${hash}/a.png`, `_deleted/${hash}/a.png`, `a/b/${hash}/a.png`, `${hash}/.a.png`, `${hash}/a.json`, `${hash}/a\\b.png`, `x y/${hash}/a.png`, `${hash}/_originals/a.png`]) t.equal(exampleAddress(bad), undefined, bad)
})

t.test('a smaller image takes the place of one that came, and the original stays', async (t) => {
  const folder = t.testdir()
  const pixels = await sharp({ create: { width: 400, height: 300, channels: 3, background: '#808080', noise: { type: 'gaussian', mean: 128, sigma: 20 } } }).png().toBuffer()
  writeFileSync(join(folder, 'image_0.png'), pixels)
  writeFileSync(join(folder, 'image_1.mp4'), 'film')
  await createShrinkSaved({ enabled: () => false })(folder, 'image_0.png')
  t.same(readdirSync(folder).sort(), ['image_0.png', 'image_1.mp4'], 'off unless asked for')
  const shrink = createShrinkSaved({ enabled: () => true })
  await shrink(folder, 'image_0.png')
  await shrink(folder, 'image_1.mp4')
  t.same(readdirSync(folder).sort(), ['_originals', 'image_0.webp', 'image_1.mp4'])
  t.same(readFileSync(join(folder, '_originals/image_0.png')), pixels)
  t.match(await sharp(readFileSync(join(folder, 'image_0.webp'))).metadata(), { format: 'webp', width: 400, height: 300 })
})

t.test('a large library is counted by names and notes, a small one by what is in the folders', async (t) => {
  const root = t.testdir()
  const hashes = Array.from({ length: 1200 }, (_, n) => createHash('sha256').update(`model ${n}`).digest('hex'))
  const libraryOf = (held: readonly string[]) => ({ type: modelTypes[0], opened: true, index: { size: held.length, digests: async () => new Uint8Array(Buffer.from(held.join(''), 'hex')) } }) as unknown as ModelLibrary
  for (const hash of hashes.slice(0, 300)) mkdirSync(join(root, hash))
  for (const hash of hashes.slice(0, 50)) writeFileSync(join(root, hash, 'image_0.png'), '')
  for (const hash of hashes.slice(300, 400)) mkdirSync(join(root, 'lib', hash), { recursive: true })
  const notes = { processed_models: hashes.slice(380, 500).map((hash) => hash.toUpperCase()), failed_models: hashes.slice(500, 510) }
  writeFileSync(join(root, '.download_progress.json'), JSON.stringify(notes))
  const place = { root, library: 'lib', libraryRoot: root, prefix: '', formerPrefixes: ['lib'] }
  const types = new Set(modelTypes.map(({ name }) => name))
  const count = async (held: readonly string[], at = place) => await createCountNeeded({ libraries: [libraryOf(held)], progressFile: createProgressFile() })(at, types)

  const large = await count([...hashes, ...hashes, '', ''])
  t.same(large, { total_models: 2402, pending_count: 1200 - 510, processed_count: 120, failed_count: 10 })
  t.same(await count([...hashes.slice(0, 510), '']), { total_models: 511, pending_count: 250 + 80, processed_count: 120, failed_count: 10 }, 'an empty folder is as good as none')
  writeFileSync(join(root, 'file'), '')
  t.same(await count(hashes, { ...place, prefix: 'file', libraryRoot: join(root, 'file') }), { total_models: 1200, pending_count: 1100 - 10 - 100, processed_count: 120, failed_count: 10 }, 'a place that is not there holds nothing')
  await t.rejects(count(hashes, { ...place, prefix: 'x'.repeat(300) }), { kind: 'unavailable', code: 'example-images-away' })

  const counter = createCountNeeded({ libraries: [libraryOf(hashes)], progressFile: createProgressFile() })
  const folder = join(root, hashes[600] ?? '')
  const asked = async (changedAt: Date): Promise<number> => {
    utimesSync(root, changedAt, changedAt)
    return (await counter(place, types)).pending_count
  }
  const longAgo = new Date(Date.now() - 3_600_000)
  for (const path of [join(root, 'lib'), join(root, '.download_progress.json')]) utimesSync(path, longAgo, longAgo)
  t.equal(await asked(longAgo), 690)
  t.equal(await asked(longAgo), 690, 'asked again while nothing has changed')
  mkdirSync(folder)
  t.equal(await asked(new Date(longAgo.getTime() + 1000)), 689, 'what came is noticed')
  t.equal(await asked(new Date()), 689, 'also in a place that was changed just now')
  rmSync(folder, { recursive: true })
  t.equal(await asked(longAgo), 690, 'and what went')
})
