import { mkdirSync, writeFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openDatabase } from '../../../services/database/open.ts'
import { createClientQueue } from '../../../services/downloads/client-queue.ts'
import { prepareQueue } from '../../../services/downloads/prepare-queue.ts'
import { openSharedDatabase } from '../../../services/database/shared.ts'
import { createVersionHistory, prepareVersions } from '../../../services/downloads/version-history.ts'

const silent = { error () {} }

function queueOn (t: Test, file: string, hasPart: (id: string) => boolean = () => false, now = { ms: 1_700_000_000_000 }) {
  const queue = createClientQueue({ open: () => openSharedDatabase(file, (db) => { prepareQueue(db, hasPart) }, silent), clock: { now: () => now.ms++ } })
  t.teardown(() => { queue.close() })
  return queue
}

t.test('a file of an older program gets the columns it lacks and keeps its rows', (t) => {
  const file = join(t.testdir(), 'download_queue.sqlite')
  const old = openDatabase(file)
  old.exec(`CREATE TABLE download_queue (download_id TEXT PRIMARY KEY, model_id INTEGER, model_version_id INTEGER, model_name TEXT, version_name TEXT, thumbnail_url TEXT,
      source TEXT, file_params TEXT, status TEXT NOT NULL DEFAULT 'queued', priority INTEGER DEFAULT 0, progress INTEGER DEFAULT 0, bytes_downloaded INTEGER DEFAULT 0,
      total_bytes INTEGER, bytes_per_second REAL DEFAULT 0, error TEXT, file_path TEXT, added_at REAL NOT NULL, started_at REAL, completed_at REAL);
    CREATE TABLE download_history (id INTEGER PRIMARY KEY AUTOINCREMENT, download_id TEXT, model_id INTEGER, model_version_id INTEGER, model_name TEXT, version_name TEXT,
      thumbnail_url TEXT, status TEXT, error TEXT, file_path TEXT, bytes_downloaded INTEGER, total_bytes INTEGER, completed_at REAL, is_already_exists INTEGER DEFAULT 0);
    INSERT INTO download_history (download_id, model_id, model_version_id, status, completed_at) VALUES
      ('a', 1, 10, 'completed', 5), ('a', 1, 11, 'completed', 6), ('b', 1, 12, 'failed', 7), ('c', 1, 12, 'completed', 1), ('d', 1, 12, 'canceled', 9),
      (NULL, NULL, NULL, 'failed', 2), (NULL, NULL, NULL, 'failed', 3), ('e', 2, 20, 'failed', 4);
    INSERT INTO download_queue (download_id, model_id, model_version_id, status, source, file_params, added_at) VALUES
      ('q1', 3, 30, 'downloading', NULL, NULL, 1), ('q2', 3, 31, 'waiting', NULL, NULL, 2), ('q3', 3, 32, 'queued', NULL, NULL, 3), ('q4', 3, 32, 'paused', NULL, NULL, 4),
      ('q5', 3, 32, 'queued', NULL, '{"id":5}', 5), ('q6', NULL, NULL, 'queued', NULL, NULL, 6), ('q7', NULL, NULL, 'queued', NULL, NULL, 7), ('q8', 2, 20, 'queued', 'retry', NULL, 8)`)
  old.close()
  const queue = queueOn(t, file, (id) => id === 'q2')
  const { items, total } = queue.history({ limit: 50, offset: 0 })
  t.same(items.map(({ download_id: id, status }) => [id, status]), [['a', 'completed'], ['e', 'failed'], [null, 'failed'], [null, 'failed'], ['c', 'completed']], 'one row per file, the best; rows without ids are never alike')
  t.equal(total, 5)
  t.equal(items[0]?.file_params, null)
  t.same(queue.rows().map(({ download_id: id, status }) => [id, status]), [['q1', 'queued'], ['q2', 'paused'], ['q4', 'paused'], ['q5', 'queued'], ['q6', 'queued'], ['q7', 'queued']],
    'what a killed program was loading waits again; the newest of each file stays; what was tried again in vain goes')
  t.end()
})

t.test('rows are added, ordered, completed and tried again', (t) => {
  const queue = queueOn(t, join(t.testdir(), 'q.sqlite'))
  const first = queue.add({ download_id: 'a', model_id: 1, model_version_id: 2, model_name: 'A', file_params: '{"id":7}' })
  t.match(first, { download_id: 'a', status: 'queued', priority: 0, progress: 0, bytes_downloaded: 0, total_bytes: null, error: null, file_params: '{"id":7}', source: null, started_at: null })
  queue.add({ download_id: 'b' })
  queue.add({ download_id: 'c' })
  t.match(queue.add({ download_id: 'a', model_name: 'other' }), { model_name: 'A' }, 'a queued id is left as it is')
  t.ok(queue.move('c', 'top'))
  t.ok(queue.move('a', 'end'))
  t.notOk(queue.move('zz', 'top'))
  t.same(queue.rows().map(({ download_id: id, priority }) => [id, priority]), [['c', 1], ['b', 0], ['a', -1]])

  t.ok(queue.setStatus('a', 'downloading'))
  const started = queue.rows().find(({ download_id: id }) => id === 'a')?.started_at
  queue.setStatus('a', 'paused')
  queue.setStatus('a', 'downloading')
  t.equal(queue.rows().find(({ download_id: id }) => id === 'a')?.started_at, started, 'the start is noted once')
  t.same(queue.stats(), { queued: 2, downloading: 1, paused: 0, completed: 0, failed: 0, canceled: 0 })
  t.match(queue.complete('a', { status: 'failed', error: 'boom' }), { download_id: 'a', status: 'downloading' })
  t.equal(queue.complete('a', { status: 'failed' }), undefined)
  t.equal(queue.add({ download_id: 'a' }), undefined, 'an id of the history is not queued again')

  queue.complete('b', { status: 'completed', file_path: '/x' })
  t.equal(queue.retry({ downloadId: 'b' }), undefined, 'what went well is not tried again')
  const again = queue.retry({ downloadId: 'a' })
  t.match(again, { source: 'retry', file_params: '{"id":7}', model_version_id: 2, status: 'queued' })
  t.not(again?.download_id, 'a')
  t.same(queue.history({ limit: 10, offset: 0 }).items.map(({ download_id: id }) => id), ['b'])
  queue.complete('c', { status: 'canceled' })
  t.equal(queue.retryAll(), 1)
  t.equal(queue.clear('queued'), 2)
  t.ok(queue.deleteHistory({ downloadId: 'b' }))
  t.notOk(queue.deleteHistory({ id: 99 }))
  t.end()
})

t.test('a damaged file is set aside and a new one begun', (t) => {
  const directory = t.testdir()
  mkdirSync(join(directory, 'cache'))
  const file = join(directory, 'cache/download_queue.sqlite')
  writeFileSync(file, 'this is no database, and long enough to look like one'.repeat(100))
  const queue = queueOn(t, file)
  t.match(queue.add({ download_id: 'a' }), { download_id: 'a' })
  t.ok(readdirSync(join(directory, 'cache')).some((name) => name.startsWith('download_queue.sqlite.corrupt-')))
  t.end()
})

t.test('versions count as downloaded from the first mark until they are marked as deleted', async (t) => {
  const file = join(t.testdir(), 'downloaded_versions.sqlite')
  const old = openDatabase(file)
  old.exec(`CREATE TABLE downloaded_model_versions (model_type TEXT NOT NULL, version_id INTEGER NOT NULL, model_id INTEGER, first_seen_at REAL NOT NULL, last_seen_at REAL NOT NULL,
    source TEXT NOT NULL, PRIMARY KEY (model_type, version_id)); INSERT INTO downloaded_model_versions VALUES ('lora', 1, 5, 100, 100, 'scan')`)
  old.close()
  let ms = 2_000_000
  const open = () => openSharedDatabase(file, prepareVersions, silent)
  const history = createVersionHistory({ open, clock: { now: () => ms } })
  t.teardown(() => { history.close() })
  t.ok(history.has('lora', 1))
  t.notOk(history.has('checkpoint', 1))
  history.mark({ type: 'lora', versionId: 1, filePath: '/a' }, 'download', { fileId: 9, fileName: 'a.safetensors' })
  ms += 1000
  history.mark({ type: 'lora', versionId: 1 }, 'manual')
  const db = openDatabase(file, { readonly: true })
  t.match(db.prepare('SELECT * FROM downloaded_model_versions').get(), { first_seen_at: 100, last_seen_at: 2001, model_id: 5, last_file_path: '/a', source: 'manual' })
  db.close()
  t.same(history.filesOf('lora', 1), [9])
  history.markDeleted('lora', 1)
  t.notOk(history.has('lora', 1))
  t.same(history.filesOf('lora', 1), [])
  t.same(history.versionsOf('lora', 5), [])
  t.equal(await history.markFound(Array.from({ length: 1200 }, (_, n) => ({ type: 'lora' as const, versionId: n + 1, modelId: 5 }))), 1200)
  t.equal(await history.markFound([{ type: 'lora', versionId: 1 }, { type: 'embedding', versionId: 1 }]), 1, 'what is marked is passed over')
  t.ok(history.has('lora', 1), 'it is in the library, so it counts again')
  t.equal(history.typeOf({ modelId: 5 }), 'lora')
  t.same([...history.downloaded('lora', [1200, 1201])], [1200])
})
