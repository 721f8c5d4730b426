import { statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { openDatabase } from '../../../services/database/open.ts'
import { createShortLog } from '../../../services/database/short-log.ts'

const MEBIBYTE = 1024 * 1024

t.test('a long log is merged by a thread and is short again with the next commit', async (t) => {
  const file = `${t.testdir()}/a.sqlite`
  const db = openDatabase(file)
  t.teardown(() => { db.close() })
  const shorten = createShortLog(db, { warn: (line) => { t.fail(JSON.stringify(line)) } })
  db.exec('CREATE TABLE texts (text TEXT)')
  const put = db.prepare('INSERT INTO texts VALUES (?)')
  const logged = (): number => statSync(`${file}-wal`).size
  for (let n = 0; n < 12; n++) put.run('x'.repeat(MEBIBYTE))
  t.ok(logged() > 8 * MEBIBYTE)
  const deadline = Date.now() + 20_000
  while (logged() > 8 * MEBIBYTE && Date.now() < deadline) {
    shorten()
    // What is committed meanwhile has to wait for the next time.
    await delay(200)
    put.run('y')
  }
  t.ok(logged() < 8 * MEBIBYTE, `${logged()} bytes`)
  t.equal(db.prepare('SELECT count(*) FROM texts WHERE length(text) > 1').pluck().get(), 12)
})
