import { join } from 'node:path'
import t from 'tap'
import { openDatabase } from '../../../services/database/open.ts'
import { createUpdateFlags } from '../../../services/updates/flags.ts'
import type { IndexedModel } from '../../../services/models/entry.ts'
import type { SettingsChange } from '../../../services/settings/types.ts'
import { indexedModel } from '../../helpers/model-app.ts'

interface VersionRow { model: number, version: number, base?: string, own?: number, ignored?: number, early?: number, ends?: string | null, usage?: string | null, paid?: number }

function writeRecords (file: string, ignoredModels: number[], rows: VersionRow[]): void {
  const db = openDatabase(file)
  db.exec(`CREATE TABLE IF NOT EXISTS model_update_status (model_id INTEGER PRIMARY KEY, model_type TEXT, last_checked_at REAL, should_ignore_model INTEGER);
    CREATE TABLE IF NOT EXISTS model_update_versions (model_id INTEGER, version_id INTEGER, sort_index INTEGER, name TEXT, base_model TEXT, is_in_library INTEGER, should_ignore INTEGER,
    early_access_ends_at TEXT, is_early_access INTEGER, usage_control TEXT, is_paid INTEGER, PRIMARY KEY (model_id, version_id)); DELETE FROM model_update_status; DELETE FROM model_update_versions;`)
  for (const id of ignoredModels) db.prepare('INSERT INTO model_update_status VALUES (?, ?, 0, 1)').run(id, 'lora')
  const insert = db.prepare('INSERT INTO model_update_versions VALUES (?, ?, 0, \'v\', ?, ?, ?, ?, ?, ?, ?)')
  for (const row of rows) insert.run(row.model, row.version, row.base ?? 'SDXL 1.0', row.own ?? 0, row.ignored ?? 0, row.ends ?? null, row.early ?? 0, row.usage ?? null, row.paid ?? 0)
  db.close()
}

function setup (file: string, owned: IndexedModel[] = []) {
  const settings: Record<string, unknown> = {}
  const listeners: ((change: SettingsChange) => unknown)[] = []
  const flags = createUpdateFlags({
    file: () => file,
    open: (path) => openDatabase(path, { readonly: true }),
    owned: (modelId) => owned.filter(({ civitai }) => civitai?.modelId === modelId),
    settings: { get: <T>(key: string) => settings[key] as T, onChange: (listener) => { listeners.push(listener); return () => {} } },
    now: () => Date.parse('2026-06-01T00:00:00Z'),
    warn: (message) => { t.comment(message) }
  })
  const set = (key: string, value: unknown): void => {
    settings[key] = value
    for (const listener of listeners) listener({ keys: new Set([key]), libraryActivated: false })
  }
  return { flags, set }
}

const model = (modelId: number, id: number, base = 'SDXL 1.0') => indexedModel({ file_path: '/m/a.safetensors', base_model: base, civitai: { modelId, id } })

t.test('a newer version of the same base model is an update, per model any newer one', async (t) => {
  const file = join(t.testdir(), 'default.sqlite')
  writeRecords(file, [3], [
    { model: 1, version: 10, own: 1 }, { model: 1, version: 20, base: 'Pony' }, { model: 1, version: 9 },
    { model: 2, version: 10, own: 1 }, { model: 2, version: 11, base: ' sdxl 1.0 ' },
    { model: 3, version: 1, own: 1 }, { model: 3, version: 2 },
    { model: 4, version: 5, ignored: 1 }, { model: 5, version: 5, usage: 'Generation' }, { model: 6, version: 5, usage: 'Download' },
    { model: 7, version: 70, own: 1 }, { model: 7, version: 71, own: 1 }, { model: 7, version: 72 }
  ])
  const { flags } = setup(file, [model(1, 10), model(2, 10), model(3, 1), model(7, 70), model(7, 72, 'Pony')])
  t.equal(flags.available(model(2, 10), 'any'), false, 'nothing is known before the file is read')
  await flags.refresh()
  t.equal(flags.version, 1)
  const both = (modelId: number, id: number, base?: string) => [flags.available(model(modelId, id, base), 'same_base'), flags.available(model(modelId, id, base), 'any')]
  t.same(both(1, 10), [false, true])
  t.same(both(1, 10, 'Pony'), [true, true], 'no version of that base is owned, so the own one is the threshold')
  t.same(both(1, 30, 'Pony'), [false, false], 'it is newer itself')
  t.same(both(2, 10), [true, true])
  t.same(both(2, 10, ''), [false, true])
  t.same(both(3, 1), [false, false], 'an ignored model')
  t.same(both(4, 1), [false, false], 'an ignored version')
  t.same(both(5, 1), [false, false], 'a version that cannot be downloaded')
  t.same(both(6, 1), [true, true], 'none in the library')
  t.same(both(7, 70), [true, false], 'what the rows say of the library counts less than the library: 71 was deleted, 72 is here as another base model')
  t.same(both(99, 1), [false, false])
  t.equal(flags.available(indexedModel({ file_path: '/x.safetensors' }), 'any'), false, 'no CivitAI model')
})

t.test('early access and paid versions are hidden when the user says so', async (t) => {
  const file = join(t.testdir(), 'default.sqlite')
  writeRecords(file, [], [
    { model: 1, version: 2, early: 1 }, { model: 2, version: 2, ends: '2026-07-01T00:00:00Z' }, { model: 3, version: 2, early: 1, ends: '2026-05-01T00:00:00Z' },
    { model: 4, version: 2, ends: 'soon' }, { model: 5, version: 2, paid: 1, early: 1 }
  ])
  const { flags, set } = setup(file)
  await flags.refresh()
  const all = () => [1, 2, 3, 4, 5].map((id) => flags.available(model(id, 1), 'same_base'))
  t.same(all(), [true, true, true, true, true])
  set('hide_early_access_updates', true)
  t.equal(flags.version, 2, 'cached answers notice')
  t.same(all(), [false, false, true, false, true])
  set('hide_paid_updates', true)
  t.same(all(), [false, false, true, false, false])
})

t.test('a missing, broken or foreign file never says update, and a new one is noticed', async (t) => {
  const dir = t.testdir({ 'broken.sqlite': 'this is no database, although it is long enough to be read as a header of one'.repeat(20) })
  for (const name of ['missing.sqlite', 'broken.sqlite']) {
    const { flags } = setup(join(dir, name))
    await flags.refresh()
    t.equal(flags.available(model(1, 1), 'any'), false, name)
  }
  const file = join(dir, 'missing.sqlite')
  const { flags } = setup(file)
  await flags.refresh()
  const before = flags.version
  writeRecords(file, [], [{ model: 1, version: 2 }])
  await flags.refresh()
  t.equal(flags.available(model(1, 1), 'any'), true)
  t.ok(flags.version > before)
  writeRecords(file, [1], [{ model: 1, version: 2 }, { model: 2, version: 2 }])
  const renewed = flags.version
  flags.renew([1, 2])
  t.ok(flags.version > renewed)
  t.same([1, 2].map((id) => flags.available(model(id, 1), 'any')), [false, true], 'what was just written is read at once')
})
