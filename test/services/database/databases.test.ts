import { spawn, spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readdirSync, readFileSync, statSync, writeSync, utimesSync, writeFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { cacheFileName, closeCacheDatabase, openCacheDatabase, type CacheSchema } from '../../../services/database/cache.ts'
import { acquireLock, readLock } from '../../../services/database/lock.ts'
import { openDatabase } from '../../../services/database/open.ts'
import { createStateDatabase } from '../../../services/database/state.ts'
import { silent, until } from '../../helpers/scan-bench.ts'

const schema: CacheSchema = { version: 3, checked: ['things'], create: 'CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT)' }

t.test('a library\'s cache has a safe name of its own', (t) => {
  t.equal(cacheFileName('default'), 'cache-default.sqlite')
  t.equal(cacheFileName(''), 'cache-default-e3b0c442.sqlite')
  t.match(cacheFileName('a b'), /^cache-a_b-[0-9a-f]{8}\.sqlite$/)
  t.not(cacheFileName('a b'), cacheFileName('a/b'))
  t.not(cacheFileName('a b'), cacheFileName('a_b'))
  t.match(cacheFileName('../../etc'), /^cache-\.\._\.\._etc-[0-9a-f]{8}\.sqlite$/)
  t.end()
})

t.test('a cache of another schema is set aside, and only the newest two of those are kept', (t) => {
  const directory = t.testdir()
  const folder = join(directory, 'modelshelf')
  const first = openCacheDatabase(directory, 'default', schema, silent)
  first.exec("INSERT INTO things (name) VALUES ('kept')")
  first.close()
  const again = openCacheDatabase(directory, 'default', schema, silent)
  t.strictSame(again.prepare('SELECT name FROM things').pluck().all(), ['kept'])
  t.equal(again.pragma('journal_mode', { simple: true }), 'wal')
  again.close()
  for (const version of [4, 5, 2, 9]) {
    const other = openCacheDatabase(directory, 'default', { ...schema, version }, silent)
    t.strictSame(other.prepare('SELECT name FROM things').pluck().all(), [])
    other.close()
  }
  t.equal(readdirSync(folder).filter((name) => /\.outdated-/.test(name)).length, 2)
  t.end()
})

t.test('a cache is read through at its opening unless it was closed in good order and nobody touched it since', (t) => {
  const directory = t.testdir()
  const folder = join(directory, 'modelshelf')
  const open = (): ReturnType<typeof openCacheDatabase> => openCacheDatabase(directory, 'default', schema, silent)
  const asides = (): string[] => readdirSync(folder).filter((name) => /\.corrupt-.*Z$/.test(name))
  const filled = (): ReturnType<typeof open> => {
    const db = open()
    const put = db.prepare('INSERT INTO things (name) VALUES (?)')
    for (let i = 0; i < 10; i++) put.run('n'.repeat(8000))
    db.pragma('wal_checkpoint(truncate)')
    return db
  }
  const spoil = (): void => {
    const handle = openSync(join(folder, cacheFileName('default')), 'r+')
    writeSync(handle, Buffer.alloc(16384, 0xee), 0, 16384, 2 * 16384)
    closeSync(handle)
  }

  const first = filled()
  spoil()
  closeCacheDatabase(first)
  const trusted = open()
  t.equal(asides().length, 0, 'closed in good order: only use could tell')
  trusted.close()
  const crashed = open()
  t.equal(asides().length, 1, 'not closed in good order')
  t.equal(crashed.prepare('SELECT count(*) FROM things').pluck().get(), 0)
  crashed.close()

  closeCacheDatabase(filled())
  spoil()
  closeCacheDatabase(open())
  t.equal(asides().length, 2, 'written to since')

  const before = asides()
  const [one, other] = [filled(), open()]
  closeCacheDatabase(one)
  spoil()
  other.close()
  open().close()
  t.strictSame([asides().length, asides().every((name) => before.includes(name))], [2, false], 'closed by one of two users')
  t.end()
})

t.test('the state database migrates owner by owner, once, and refuses a newer one', (t) => {
  const directory = t.testdir()
  const state = createStateDatabase(directory, silent)
  state.migrate('a', ['CREATE TABLE one (x)', 'INSERT INTO one VALUES (1)'])
  state.migrate('a', ['CREATE TABLE one (x)', 'INSERT INTO one VALUES (1)', 'INSERT INTO one VALUES (2)'])
  state.migrate('b', ['CREATE TABLE two (x)'])
  t.strictSame(state.db.prepare('SELECT x FROM one').pluck().all(), [1, 2])
  t.equal(state.db.pragma('synchronous', { simple: true }), 2)
  t.throws(() => { state.migrate('a', []) }, { code: 'state-from-newer-version' })
  t.throws(() => { state.migrate('c', ['CREATE TABLE three (x); SELECT nonsense']) })
  t.equal(state.db.prepare("SELECT count(*) FROM sqlite_master WHERE name = 'three'").pluck().get(), 0, 'a failed step leaves nothing')
  state.close()
  t.end()
})

t.test('a damaged state database is set aside and its last good copy takes its place', async (t) => {
  const directory = t.testdir()
  const file = join(directory, 'modelshelf/state.sqlite')
  const first = createStateDatabase(directory, silent)
  first.migrate('a', ['CREATE TABLE precious (x)', "INSERT INTO precious VALUES ('kept')"])
  await until(() => existsSync(`${file}.bak`), 'the first copy')
  first.close()
  const old = new Date(Date.now() - 48 * 3600 * 1000)
  utimesSync(`${file}.bak`, old, old)
  const second = createStateDatabase(directory, silent)
  await until(() => statSync(`${file}.bak`).mtimeMs > old.getTime() + 1000, 'the daily copy')
  second.close()
  writeFileSync(file, Buffer.alloc(statSync(file).size, 0x55))
  const third = createStateDatabase(directory, silent)
  t.strictSame(third.db.prepare('SELECT x FROM precious').pluck().all(), ['kept'])
  third.close()
  t.ok(readdirSync(join(directory, 'modelshelf')).some((name) => name.startsWith('state.sqlite.corrupt-')), 'never wiped')
})

t.test('several connections write side by side without an error for being busy', (t) => {
  const file = join(t.testdir(), 'shared.sqlite')
  const one = openDatabase(file)
  const two = openDatabase(file)
  one.exec('CREATE TABLE numbers (x)')
  for (let i = 0; i < 50; i++) (i % 2 === 0 ? one : two).prepare('INSERT INTO numbers VALUES (?)').run(i)
  t.equal(two.prepare('SELECT count(*) FROM numbers').pluck().get(), 50)
  one.close()
  two.close()
  t.end()
})

t.test('one process per settings directory: a second is refused, a stale lock is taken over', async (t) => {
  const directory = t.testdir()
  const lock = await acquireLock(directory, { host: '127.0.0.1', port: 8189 })
  t.match(readLock(directory), { pid: process.pid, port: 8189 })
  await t.rejects(acquireLock(directory), { code: 'already-running', kind: 'conflict', message: /8189/ })
  lock.update({ host: '127.0.0.1', port: 9000 })
  t.match(readLock(directory), { port: 9000 })
  lock.release()
  t.equal(readLock(directory), null)

  const { pid } = spawnSync(process.execPath, ['-e', ''])
  // What it waits for is not its own child, so nobody ever asks how that ended.
  const negligent = spawn('sh', ['-c', 'sh -c \'cut -d " " -f 22 "/proc/$$/stat"; echo $$\' & exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => { negligent.kill('SIGKILL') })
  let told = ''
  negligent.stdout.on('data', (chunk: Buffer) => { told += chunk.toString() })
  await until(() => told.split('\n').length === 3, 'the ended process')
  const [endedStarted, ended] = told.split('\n')
  const file = join(directory, 'modelshelf/lock')
  const stale = [
    { ...lock.info, pid, token: 'dead' },
    { ...lock.info, pid: Number(ended), pid_started: endedStarted, token: 'ended, and its parent does not care' },
    { ...lock.info, pid_started: '1', token: 'reused pid' },
    { ...lock.info, machine: 'another-host', token: 'not beating' }
  ].map((info) => JSON.stringify(info))
  for (const content of [...stale, '', '{"pid":', 'null']) {
    mkdirSync(join(directory, 'modelshelf'), { recursive: true })
    writeFileSync(file, content)
    const begun = performance.now()
    const taken = await acquireLock(directory)
    t.ok(performance.now() - begun < 6000)
    t.equal(JSON.parse(readFileSync(file, 'utf8')).token, taken.info.token)
    taken.release()
  }
  const dying = spawn('sleep', ['60'])
  writeFileSync(file, JSON.stringify({ ...lock.info, pid: dying.pid, pid_started: null }))
  const waiting = acquireLock(directory)
  dying.kill('SIGKILL')
  ;(await waiting).release()

  const racers = await Promise.allSettled([acquireLock(directory), acquireLock(directory), acquireLock(directory)])
  const winners = racers.flatMap((racer) => racer.status === 'fulfilled' ? [racer.value] : [])
  t.equal(winners.length, 1)
  winners[0]?.release()
})
