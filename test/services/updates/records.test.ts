import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openDatabase } from '../../../services/database/open.ts'
import { hasUpdate, isInEarlyAccess, endOf } from '../../../services/updates/offers.ts'
import { bareVersion, emptyRecord, withLibrary, withRemote } from '../../../services/updates/records.ts'
import { remoteVersion, type RemoteVersion } from '../../../services/updates/remote-versions.ts'
import { createUpdateStore } from '../../../services/updates/store.ts'
import { prepareUpdates } from '../../../services/updates/tables.ts'
import type { KnownVersion, UpdateRecord } from '../../../services/updates/types.ts'
import { indexedModel } from '../../helpers/model-app.ts'

const NOW = Date.parse('2026-06-01T00:00:00Z')
const all = { earlyAccess: false, paid: false }
const remote = (document: Parameters<typeof remoteVersion>[0]): RemoteVersion => remoteVersion(document, { blur: true, level: 'R' })
const owned = (...ids: number[]) => ids.map((id) => indexedModel({ file_path: `/m/${id}.safetensors`, civitai: { id, modelId: 1 } }))
const record = (...versions: (Partial<KnownVersion> & { versionId: number })[]): UpdateRecord => ({ ...emptyRecord('lora', 1), versions: versions.map((version, at) => ({ ...bareVersion(version.versionId, at), ...version })) })
const access = (document: object) => {
  const version = remote({ id: 1, ...document })
  return [isInEarlyAccess({ ...version, endsAt: endOf(version.earlyAccessEndsAt) }, NOW), version.isPaid]
}

t.test('what is bought for good is no early access, and a time that can\'t be read lies ahead', (t) => {
  t.same(access({ availability: 'EarlyAccess' }), [true, false])
  t.same(access({ availability: 'EarlyAccess', earlyAccessEndsAt: '2026-05-01T00:00:00Z' }), [false, false], 'it is over')
  t.same(access({ paidAccess: { permanent: true, endsAt: null }, availability: 'EarlyAccess' }), [false, true])
  t.same(access({ paidAccess: '{"permanent":true,"endsAt":"2026-07-01T00:00:00Z"}' }), [true, true])
  t.same(access({ earlyAccessEndsAt: 'soon' }), [true, false])
  t.same(access({ paidAccess: {} }), [false, false], 'an empty gate is none')
  t.end()
})

t.test('a version is read as its provider lists it, the mildest picture first', (t) => {
  const files = [{ id: 1, type: 'Config', sizeKB: 3 }, { id: 2, type: 'Model', sizeKB: 2, primary: true, hashes: { SHA256: 'A'.repeat(64) } }]
  t.match(remote({ id: 7, name: 'v7', baseModel: 'Pony', createdAt: 'c', publishedAt: 'p', files, images: [{ url: 'https://x/hot.png', nsfwLevel: 16 }, { url: 'https://image.civitai.com/a/original=true/1.png', nsfwLevel: 1 }] }),
    { versionId: 7, releasedAt: 'p', sizeBytes: 2048, previewUrl: 'https://image.civitai.com/a/width=450,optimized=true/1.png', sha256: 'a'.repeat(64), usageControl: null })
  t.match(remote({ id: 8, createdAt: 'c', files: [{ id: 1, type: 'VAE', sizeKB: 0.5 }] }), { name: null, releasedAt: 'c', sizeBytes: 512, previewUrl: null, sha256: null })
  t.end()
})

t.test('a merge keeps what the user said and what is known; an archive takes nothing away', (t) => {
  const known = record({ versionId: 30, shouldIgnore: true, usageControl: 'Download', previewUrl: 'https://known' }, { versionId: 20, name: 'two' }, { versionId: 10, shouldIgnore: true })
  const listed = [remote({ id: 40, name: 'four' }), remote({ id: 30, name: 'three' })]
  const fresh = withRemote(known, listed, owned(30, 5))
  t.match(fresh.versions.map(({ versionId, name, isInLibrary, shouldIgnore, usageControl }) => [versionId, name, isInLibrary, shouldIgnore, usageControl]),
    [[40, 'four', false, false, null], [30, 'three', true, true, 'Download'], [10, null, false, true, null], [5, null, true, false, null]])
  t.equal(fresh.versions[1]?.previewUrl, 'https://known')
  const archived = withRemote(known, [remote({ id: 20, name: 'other name', baseModel: 'Pony' })], owned(30), { archive: true })
  t.same(archived.versions.map(({ versionId, name, baseModel }) => [versionId, name, baseModel]), [[30, null, null], [20, 'two', 'Pony'], [10, null, null]])
  t.same(withLibrary(known, owned(20)).versions.map(({ isInLibrary }) => isInLibrary), [false, true, false])
  t.end()
})

t.test('an update is newer than all that is here and on offer', (t) => {
  const here = { versionId: 20, isInLibrary: true }
  const has = (...versions: Parameters<typeof record>) => hasUpdate(record(here, ...versions), all, NOW)
  t.equal(has({ versionId: 21 }), true)
  t.equal(has({ versionId: 19 }), false)
  t.equal(has({ versionId: 21, shouldIgnore: true }), false)
  t.equal(has({ versionId: 21, usageControl: 'InternalGeneration' }), false)
  t.equal(hasUpdate({ ...record(here, { versionId: 21 }), shouldIgnore: true }, all, NOW), false)
  t.equal(hasUpdate(record({ versionId: 3 }), all, NOW), true, 'nothing of it is here')
  const early = record(here, { versionId: 21, earlyAccess: true })
  t.same([hasUpdate(early, all, NOW), hasUpdate(early, { earlyAccess: true, paid: false }, NOW)], [true, false])
  const paid = record(here, { versionId: 21, earlyAccess: true, isPaid: true })
  t.same([hasUpdate(paid, { earlyAccess: true, paid: false }, NOW), hasUpdate(paid, { earlyAccess: false, paid: true }, NOW)], [true, false])
  t.end()
})

t.test('each library has a file of its own, which only a change makes', async (t) => {
  const directory = t.testdir()
  let library = 'one'
  const store = createUpdateStore({
    file: () => join(directory, `${library}.sqlite`),
    open (file) {
      const db = openDatabase(file)
      prepareUpdates(db)
      return db
    }
  })
  t.teardown(() => { store.close() })
  t.equal(store.find(1, 'lora'), undefined)
  t.equal((await store.states()).size, 0)
  t.notOk(existsSync(join(directory, 'one.sqlite')))
  const kept: UpdateRecord = { ...record({ versionId: 2, sizeBytes: 5, paidAccess: { permanent: true, endsAt: null }, isPaid: true }), lastCheckedAt: 1.5, modelType: 'checkpoint' }
  store.save(kept)
  t.same(store.find(1, 'lora'), kept, 'it comes back as it was')
  library = 'two'
  t.equal(store.find(1, 'lora'), undefined)
  store.save({ ...kept, shouldIgnore: true })
  t.same([...await store.states()], [[1, { lastCheckedAt: 1.5, shouldIgnore: true }]])
  library = 'one'
  t.equal(store.find(1, 'lora')?.shouldIgnore, false)
})
