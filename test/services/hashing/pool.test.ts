import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { appendFileSync, readdirSync, readFileSync, renameSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createHashPool, type HashPool } from '../../../services/hashing/pool.ts'

const HUGE = 8 * 1024 ** 3

function sha (bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** A file of zeroes that takes no space on the disk. */
function sparse (path: string, size: number): string {
  writeFileSync(path, '')
  truncateSync(path, size)
  return path
}

function poolFor (t: Test, lanes: number): HashPool {
  const pool = createHashPool({ lanes })
  t.teardown(() => pool.close())
  return pool
}

t.test('hashes agree with those of the whole bytes, for every size around a block', async (t) => {
  const root = t.testdir({})
  const pool = poolFor(t, 2)
  const block = 1024 * 1024
  await Promise.all([0, 1, block - 1, block, block + 1, 3 * block + 17].map(async (size) => {
    const bytes = randomBytes(size)
    const path = join(root, `naïve ${size}"🌸.bin`)
    writeFileSync(path, bytes)
    const result = await pool.hash(path)
    t.same(result, { sha256: sha(bytes), bytes: size, tensorHash: null, size, mtimeMs: statSync(path).mtimeMs }, `${size} bytes`)
  }))
})

t.test('the tensor hash covers what follows the header, and only when asked for', async (t) => {
  const root = t.testdir({})
  const pool = poolFor(t, 1)
  const path = join(root, 'a.safetensors')
  const write = (length: bigint, header: Buffer, rest: Buffer): Buffer => {
    const head = Buffer.alloc(8)
    head.writeBigUInt64LE(length)
    const bytes = Buffer.concat([head, header, rest])
    writeFileSync(path, bytes)
    return bytes
  }
  for (const headerSize of [2, 100, 1024 * 1024 - 8, 1024 * 1024 + 5]) {
    const header = Buffer.alloc(headerSize, 0x20)
    header[0] = 0x7b
    const rest = randomBytes(2_000_000)
    const bytes = write(BigInt(headerSize), header, rest)
    t.match(await pool.hash(path, { alsoTensorHash: true }), { sha256: sha(bytes), tensorHash: sha(rest).slice(0, 12) }, `header of ${headerSize}`)
  }
  t.equal((await pool.hash(path)).tensorHash, null)
  const brace = Buffer.from('{}')
  for (const [length, header] of [[2n ** 63n, brace], [999n, brace], [0n, brace], [2n, Buffer.from('[]')], [2n, brace]] as const) {
    write(length, header, Buffer.alloc(0))
    t.equal((await pool.hash(path, { alsoTensorHash: true })).tensorHash, null, `length ${length}`)
  }
})

t.test('only regular files are hashed; a link to one is one', async (t) => {
  const root = t.testdir({ folder: {}, 'real.bin': 'abc' })
  const pool = poolFor(t, 1)
  execFileSync('mkfifo', [join(root, 'fifo')])
  symlinkSync('real.bin', join(root, 'link.bin'))
  await t.rejects(pool.hash(join(root, 'folder')), { code: 'not-a-regular-file' })
  await t.rejects(pool.hash(join(root, 'fifo')), { code: 'not-a-regular-file', kind: 'invalid' })
  await t.rejects(pool.hash('/dev/zero'), { code: 'not-a-regular-file' })
  await t.rejects(pool.hash(join(root, 'absent')), { code: 'not-found', kind: 'not-found', message: /^The file is not there$/ })
  await t.rejects(pool.hash(join(root, 'real.bin', 'below')), { code: 'not-found' })
  t.equal((await pool.hash(join(root, 'link.bin'))).sha256, sha(Buffer.from('abc')))
})

t.test('a file that changes, grows or is replaced while it is read has no hash', async (t) => {
  const root = t.testdir({})
  const pool = poolFor(t, 1)
  const size = 512 * 1024 * 1024
  const changes: Record<string, (path: string) => void> = {
    grows: (path) => { appendFileSync(path, 'more') },
    shrinks: (path) => { truncateSync(path, 1000) },
    'is replaced': (path) => { renameSync(sparse(`${path}.new`, size), path) }
  }
  for (const [name, change] of Object.entries(changes)) {
    const path = sparse(join(root, name), size)
    let changed = false
    const onBytes = (): void => {
      if (!changed) change(path)
      changed = true
    }
    await t.rejects(pool.hash(path, { onBytes }), { code: 'changed-while-read' }, name)
    t.ok(changed)
  }
})

t.test('a cancelled file ends at once, frees its lane, and tells nothing more', async (t) => {
  const root = t.testdir({ 'small.bin': 'abc' })
  const pool = poolFor(t, 1)
  const path = sparse(join(root, 'huge'), HUGE)
  const controller = new AbortController()
  let reports = 0
  const reason = new Error('enough')
  let aborted = 0
  const running = pool.hash(path, {
    signal: controller.signal,
    onBytes () {
      reports++
      aborted = performance.now()
      controller.abort(reason)
    }
  })
  const queued = pool.hash(join(root, 'small.bin'))
  await t.rejects(running, reason)
  t.equal((await queued).bytes, 3)
  t.ok(performance.now() - aborted < 1000, 'within a second the lane works on the next file')
  t.equal(reports, 1)
  await t.rejects(pool.hash(path, { signal: controller.signal }), reason, 'an aborted signal starts nothing')
})

t.test('a file that waits can be cancelled, and closing ends all', async (t) => {
  const root = t.testdir({})
  const pool = createHashPool({ lanes: 1 })
  const path = sparse(join(root, 'huge'), HUGE)
  const controller = new AbortController()
  const running = pool.hash(path)
  const cancelled = pool.hash(path, { signal: controller.signal })
  const waiting = pool.hash(path)
  controller.abort()
  await t.rejects(cancelled, { name: 'AbortError' })
  const outcome = Promise.allSettled([running, waiting])
  await pool.close()
  t.match(await outcome, [{ status: 'rejected', reason: { code: 'closed' } }, { status: 'rejected', reason: { code: 'closed' } }])
  await t.rejects(pool.hash(path), { code: 'closed' })
})

t.test('a thread that dies costs one retry, a second death the file', async (t) => {
  const root = t.testdir({ once: '', twice: '', 'twice.crashes-twice': '', next: '' })
  const pool = createHashPool({ lanes: 1, worker: new URL('./crashing.worker', import.meta.url) })
  t.teardown(() => pool.close())
  const [once, twice, next] = await Promise.allSettled([pool.hash(join(root, 'once')), pool.hash(join(root, 'twice')), pool.hash(join(root, 'next'))])
  t.match(once, { status: 'fulfilled', value: { sha256: 'second' } })
  t.match(twice, { status: 'rejected', reason: { code: 'worker-failed', message: /the thread fell over/ } })
  t.match(next, { status: 'fulfilled' })
})

t.test('a thread is used again, until it has long had nothing to do', async (t) => {
  const worker = new URL('./numbered.worker', import.meta.url)
  const threadOf = async (pool: HashPool): Promise<number> => (await pool.hash('any')).size
  const patient = createHashPool({ lanes: 2, worker })
  t.teardown(() => patient.close())
  const hasty = createHashPool({ lanes: 1, idleMs: 1, worker })
  t.teardown(() => hasty.close())
  const kept = await threadOf(patient)
  const first = await threadOf(hasty)
  const deadline = Date.now() + 5000
  let next = first
  while (next === first && Date.now() < deadline) {
    await delay(5)
    next = await threadOf(hasty)
  }
  t.not(next, first, 'the idle thread was ended and another started')
  t.equal(await threadOf(patient), kept)
})

t.test('a hashing thread lets the main thread go first where threads have priorities of their own', async (t) => {
  const pool = poolFor(t, 1)
  await pool.hash(sparse(join(t.testdir({}), 'one.bin'), 10))
  t.equal(getPriority(), 0)
  if (process.platform !== 'linux') return
  const tasks = '/proc/self/task'
  // The eighteenth field; the name before it may hold spaces.
  const niceness = readdirSync(tasks).map((id) => Number(readFileSync(join(tasks, id, 'stat'), 'utf8').split(') ').at(-1)?.split(' ')[16]))
  t.equal(niceness.filter((value) => value > 0).length, 1)
})
