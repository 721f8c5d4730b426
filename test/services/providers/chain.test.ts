import t from 'tap'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { openDatabase } from '../../../services/database/open.ts'
import { createDoor } from '../../../services/network/door.ts'
import { createProviders } from '../../../services/providers/providers.ts'
import { civitaiDouble } from '../../helpers/civitai/double.ts'
import type { NewFile } from '../../helpers/civitai/catalogue.ts'
import { handClock } from '../../helpers/hand-clock.ts'

const sha = (digit: string): string => digit.repeat(64)
const fileOf = (digit: string, more: Partial<NewFile> = {}): NewFile => ({ name: `${digit}.safetensors`, source: { bytes: Buffer.from(digit) }, sha256: sha(digit), ...more })

async function start (t: Test, settings: Record<string, unknown> = {}) {
  const double = await civitaiDouble(t)
  const values: Record<string, unknown> = { provider_base_urls: double.providerBaseUrls, enable_civarchive_api: true, enable_metadata_archive_db: true, metadata_provider_order: 'civitai_archive_sqlite', ...settings }
  const directory = t.testdir({})
  const source = { get: <T>(key: string) => values[key] as T, directory }
  const clock = handClock()
  clock.rush = true
  const door = createDoor({ settings: source, logger: { warn () {} }, clock, random: () => 0.5 })
  const warnings: string[] = []
  const providers = createProviders({ door, settings: source, openArchive: (file) => openDatabase(file, { readonly: true }), warn: (message) => warnings.push(message) })
  t.teardown(async () => { providers.close(); await door.close() })
  return { double, values, clock, directory, warnings, ...providers }
}

/** An archive database with one model of two versions. */
function writeArchive (directory: string): string {
  const folder = join(directory, 'civitai')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'civitai.sqlite')
  const db = openDatabase(file)
  db.exec(`
    CREATE TABLE models (id INTEGER PRIMARY KEY, name TEXT, type TEXT, username TEXT, data TEXT);
    CREATE TABLE model_versions (id INTEGER PRIMARY KEY, model_id INTEGER, name TEXT, base_model TEXT, position INTEGER, published_at TEXT, data TEXT);
    CREATE TABLE model_files (id INTEGER PRIMARY KEY, model_id INTEGER, version_id INTEGER, type TEXT, sha256 TEXT, data TEXT);
  `)
  db.prepare('INSERT INTO models VALUES (?, ?, ?, ?, ?)').run(50, 'Old one', 'LORA', 'mia', JSON.stringify({ description: '<p>old</p>', tags: ['style'], creator: { image: 'https://x/1.png' } }))
  const version = db.prepare('INSERT INTO model_versions VALUES (?, ?, ?, ?, ?, ?, ?)')
  version.run(501, 50, 'v1', 'SD 1.5', 1, null, '{broken')
  version.run(502, 50, 'v2', 'SDXL 1.0', 0, null, JSON.stringify({ trainedWords: ['word'], images: [{ id: 1, url: 'https://x/1.png' }] }))
  const row = db.prepare('INSERT INTO model_files VALUES (?, ?, ?, ?, ?, ?)')
  row.run(1, 50, 502, 'Model', sha('f').toUpperCase(), JSON.stringify({ id: 1, name: 'f.safetensors', type: 'Model', modelId: 50, modelVersionId: 502, hashes: { SHA256: sha('F') } }))
  row.run(2, 50, 502, 'VAE', sha('e').toUpperCase(), JSON.stringify({ id: 2, name: 'e.vae.pt' }))
  db.close()
  return file
}

t.test('the first provider that has it is believed, in the order of the settings', async (t) => {
  const { double, chain, values, directory } = await start(t)
  writeArchive(directory)
  await double.catalogue.add(fileOf('a', { inCivarchive: true }))
  await double.catalogue.add(fileOf('b', { inCivitai: false, inCivarchive: true, creator: 'zoe' }))
  await double.catalogue.add(fileOf('f', { inCivitai: false, inCivarchive: true }))
  t.same(chain.order(), ['civitai_api', 'civarchive_api', 'sqlite'])
  t.match(await chain.versionByHash(sha('a')), { kind: 'found', source: 'civitai_api', attempts: [{ provider: 'civitai_api', kind: 'found' }] })
  t.match(await chain.versionByHash(sha('b')), {
    kind: 'found',
    source: 'civarchive',
    provider: 'civarchive_api',
    attempts: [{ kind: 'not-found' }, { kind: 'found' }],
    value: {
      version: {
        source: 'civarchive',
        is_deleted: true,
        trainedWords: [/^word/],
        creator: { username: 'zoe' },
        model: { name: 'b', type: 'LORA', tags: ['style', 'anime'] },
        nsfwLevel: 1,
        stats: { downloadCount: 7 },
        files: [{ name: 'b.safetensors', primary: true, hashes: { SHA256: sha('B') }, metadata: { format: 'SafeTensor' }, downloadUrl: /\/files\/\d+\/b\.safetensors$/, mirrors: [{ source: 'gone' }, { source: 'mirror' }] }]
      }
    }
  })
  t.match(await chain.versionByHash(sha('f')), { source: 'civarchive' })
  values.metadata_provider_order = 'civitai_sqlite_archive'
  t.same(chain.order(), ['civitai_api', 'sqlite', 'civarchive_api'])
  t.match(await chain.versionByHash(sha('f')), { source: 'archive_db' })
  t.match(await chain.versionByHash(sha('f'), { only: ['civarchive_api'] }), { source: 'civarchive' })
  t.match(await chain.versionByHash(sha('a'), { first: 'civarchive_api' }), { source: 'civarchive', attempts: [{ provider: 'civarchive_api' }] })
  values.enable_civarchive_api = false
  values.enable_metadata_archive_db = false
  t.same(chain.order(), ['civitai_api'])
  t.match(await chain.versionByHash(sha('b')), { kind: 'not-found' })
})

t.test('nothing but the word of CivitAI makes a model "not found"', async (t) => {
  const { double, chain, clock } = await start(t)
  t.match(await chain.versionByHash(sha('c')), { kind: 'not-found', attempts: [{ provider: 'civitai_api', kind: 'not-found' }, { provider: 'civarchive_api', kind: 'not-found' }] })
  const stop = double.faults.always('civarchive *', { status: 500 })
  t.match(await chain.versionByHash(sha('c')), { kind: 'not-found' }, 'the archive has no say in it')
  stop()
  for (const [fault, outcome] of [
    [{ status: 429, retryAfter: 500 }, { kind: 'rate-limited', retryAfter: 500 }],
    [{ status: 500 }, { kind: 'unavailable' }],
    [{ status: 404, html: true }, { kind: 'invalid' }],
    [{ status: 401 }, { kind: 'unauthorized' }],
    [{ reset: true }, { kind: 'unavailable' }]
  ] as const) {
    double.faults.clear()
    double.faults.always('civitai *', fault)
    t.match(await chain.versionByHash(sha('c')), { ...outcome, attempts: [{ kind: outcome.kind }, { kind: 'not-found' }] }, outcome.kind)
    clock.advance(1_000_000)
  }
  t.match(await chain.versionByHash(sha('c'), { only: ['civarchive_api'] }), { kind: 'not-found' })
  t.match(await chain.versionByHash(sha('c'), { only: ['sqlite'] }), { kind: 'unavailable' }, 'nobody was asked')
  await double.catalogue.add(fileOf('d', { inCivarchive: true }))
  t.match(await chain.versionByHash(sha('d')), { kind: 'found', source: 'civarchive' }, 'while CivitAI is away the archive helps')
})

t.test('versions of a model, and a version by its id, from CivArchive too', async (t) => {
  const { double, chain } = await start(t)
  const { model, version } = await double.catalogue.add(fileOf('a', { inCivitai: false, inCivarchive: true }))
  const newer = await double.catalogue.add(fileOf('b', { modelId: model.id }))
  t.match(await chain.modelVersions(model.id), { kind: 'found', value: { type: 'LORA', name: 'a', modelVersions: [{ id: newer.version.id }, { id: version.id }] } })
  t.match(await chain.version({ versionId: version.id }), { kind: 'found', value: { version: { id: version.id, modelId: model.id } } })
  t.match(await chain.version({ modelId: model.id }), { kind: 'found', value: { version: { id: newer.version.id } } })
  t.match(await chain.version({ modelId: model.id, versionId: 5 }), { kind: 'not-found' })
  const files = { data: { files: [{ model_id: 100_000_001, model_version_id: 1 }, { model_id: model.id, model_version_id: version.id }] } }
  double.faults.next('civarchive GET /api/sha256/*', { body: files })
  t.match(await chain.versionByHash(sha('c'), { only: ['civarchive_api'] }), { kind: 'found', value: { version: { id: version.id } } }, 'bare file rows are followed')
})

t.test('the archive database is only read, found when it comes, let go when it leaves, and a broken one harms nobody', async (t) => {
  const { chain, archive, directory, warnings } = await start(t, { enable_civarchive_api: false })
  const only = { only: ['sqlite'] } as const
  t.equal(archive.file(), null)
  t.match(await chain.versionByHash(sha('f'), only), { kind: 'unavailable' })
  const file = writeArchive(directory)
  t.equal(archive.file(), file)
  const found = await chain.versionByHash(sha('f'), only)
  t.match(found, { kind: 'found', source: 'archive_db', value: { version: { id: 502, modelId: 50, name: 'v2', baseModel: 'SDXL 1.0', source: 'archive_db', trainedWords: ['word'], model: { name: 'Old one', type: 'LORA', description: '<p>old</p>', tags: ['style'] }, creator: { username: 'mia', image: 'https://x/1.png' } } } })
  if (found.kind === 'found') t.same(found.value.version.files, [{ id: 1, name: 'f.safetensors', type: 'Model', hashes: { SHA256: sha('F') } }])
  t.match(await chain.version({ versionId: 501 }, only), { kind: 'found', value: { version: { id: 501, baseModel: 'SD 1.5' } } })
  t.match(await chain.version({ modelId: 50 }, only), { kind: 'found', value: { version: { id: 502 } } })
  t.match(await chain.version({ modelId: 51, versionId: 502 }, only), { kind: 'not-found' })
  t.match(await chain.modelVersions(50, only), { kind: 'found', value: { modelVersions: [{ id: 502 }, { id: 501 }] } })
  t.match(await chain.modelVersions(51, only), { kind: 'not-found' })
  rmSync(file)
  t.match(await chain.versionByHash(sha('f'), only), { kind: 'unavailable' })
  const broken = openDatabase(file)
  broken.exec('CREATE TABLE other (id)')
  broken.close()
  t.match(await chain.versionByHash(sha('f'), only), { kind: 'unavailable' })
  t.equal(warnings.length, 1)
})
