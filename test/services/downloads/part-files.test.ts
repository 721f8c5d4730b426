import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createPartFiles } from '../../../services/downloads/part-files.ts'
import { sha256 } from './file-server.ts'

t.test('what is pushed is written and hashed in its order, whatever its size and whatever is asked meanwhile', async (t) => {
  const files = createPartFiles()
  t.teardown(async () => { await files.close() })
  const path = join(t.testdir(), 'a.part')
  const file = await files.open(path, 0)
  const chunks: Buffer[] = []
  const asked: Promise<number>[] = []
  for (let n = 0; n < 600; n++) {
    const chunk = randomBytes([1, 5000, 65_536, 65_537, 300_000][n % 5] ?? 1)
    chunks.push(chunk)
    const waiting = file.push(chunk)
    if (n % 40 === 0) asked.push(file.sync())
    if (waiting) await waiting
  }
  const large = randomBytes(9_000_000)
  chunks.push(large)
  await file.push(large)
  await file.drained()
  const whole = Buffer.concat(chunks)
  t.equal(file.written, whole.length)
  t.ok((await Promise.all(asked)).every((length) => length <= whole.length))
  t.equal(await file.digest(), sha256(whole))
  t.ok(readFileSync(path).equals(whole))

  await file.cut(0)
  t.equal(file.written, 0)
  await file.push(Buffer.from('anew'))
  t.equal(await file.digest(), sha256(Buffer.from('anew')))
  await file.close()
  t.equal(readFileSync(path, 'utf8'), 'anew')

  const again = await files.open(path, 2)
  await again.push(Buffer.from('other'))
  await again.drained()
  t.equal(await again.digest(), null, 'what was there before was not hashed here')
  await again.close()
  t.equal(readFileSync(path, 'utf8'), 'another')
})

t.test('faults of the disk come to whoever writes; a link is no part', async (t) => {
  const files = createPartFiles()
  t.teardown(async () => { await files.close() })
  const directory = t.testdir()
  await t.rejects(files.open(join(directory, 'not/there.part'), 0), { code: 'ENOENT' })
  writeFileSync(join(directory, 'precious'), 'precious')
  symlinkSync(join(directory, 'precious'), join(directory, 'link.part'))
  await t.rejects(files.open(join(directory, 'link.part'), 0), { code: 'ELOOP' })
  t.equal(readFileSync(join(directory, 'precious'), 'utf8'), 'precious')
  if (existsSync('/dev/full')) {
    symlinkSync('/dev/full', join(directory, 'x'))
    const full = await files.open('/dev/full', 0).catch((error: NodeJS.ErrnoException) => error)
    if (!(full instanceof Error)) {
      await t.rejects((async () => {
        await full.push(Buffer.alloc(100))
        await full.drained()
      })(), { code: 'ENOSPC' })
      await full.close()
    } else {
      t.equal(full.code, 'EINVAL', 'such a device can not be cut')
    }
  }
})
