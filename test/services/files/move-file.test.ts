import { appendFileSync, existsSync, linkSync, lstatSync, mkdirSync, readFileSync, readdirSync, readlinkSync, renameSync, rmSync, statSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import t from 'tap'
import { isCaseOnlyRename, moveFile } from '../../../services/files/move-file.ts'
import { nodeDisk } from '../../../services/journal/disk.ts'
import type { JournalDisk } from '../../../services/journal/disk.ts'
import { createFaultyDisk, ignoringCase } from '../journal/faulty-disk.ts'

const modes: Record<string, (dir: string) => JournalDisk> = {
  'by a hard link': () => nodeDisk,
  'by a placeholder where there are no hard links': () => createFaultyDisk({ hardLinks: false }).disk,
  'by a verified copy to another volume': (dir) => createFaultyDisk({ volumes: [join(dir, 'b')] }).disk,
  'by a verified copy to another volume without hard links': (dir) => createFaultyDisk({ volumes: [join(dir, 'b')], hardLinks: false }).disk
}

for (const [mode, diskIn] of Object.entries(modes)) {
  t.test(`a file moves ${mode}, with content and time, and leaves nothing behind`, async (t) => {
    const dir = t.testdir({ a: { 'm.safetensors': 'weights' }, b: {} })
    utimesSync(join(dir, 'a/m.safetensors'), 1_500_000_000, 1_500_000_000.25)
    const { crossed, sha256 } = await moveFile(join(dir, 'a/m.safetensors'), join(dir, 'b/n.safetensors'), { disk: diskIn(dir) })
    t.equal(readFileSync(join(dir, 'b/n.safetensors'), 'utf8'), 'weights')
    t.equal(statSync(join(dir, 'b/n.safetensors')).mtimeMs, 1_500_000_000_250)
    t.same([readdirSync(join(dir, 'a')), readdirSync(join(dir, 'b'))], [[], ['n.safetensors']])
    t.equal(crossed, mode.includes('copy'))
    t.equal(sha256 !== null, crossed, 'a copy tells its hash')
  })

  t.test(`an existing target is refused ${mode} and both files stay`, async (t) => {
    const dir = t.testdir({ a: { 'm.safetensors': 'weights' }, b: { 'm.safetensors': 'theirs', 'empty.safetensors': '' } })
    for (const target of ['b/m.safetensors', 'b/empty.safetensors']) {
      await t.rejects(moveFile(join(dir, 'a/m.safetensors'), join(dir, target), { disk: diskIn(dir) }), { code: 'destination-exists', kind: 'conflict' })
    }
    t.equal(readFileSync(join(dir, 'a/m.safetensors'), 'utf8'), 'weights')
    t.equal(readFileSync(join(dir, 'b/m.safetensors'), 'utf8'), 'theirs')
    t.same(readdirSync(join(dir, 'b')).sort(), ['empty.safetensors', 'm.safetensors'])
  })

  t.test(`whatever call fails ${mode}, the file is in one place and nothing is left over`, async (t) => {
    const dir = t.testdir({ a: {}, b: {} })
    const [from, to] = [join(dir, 'a/m.safetensors'), join(dir, 'b/m.safetensors')]
    const faults = mode.includes('copy') ? { volumes: [join(dir, 'b')] } : {}
    const hardLinks = !mode.includes('no hard links') && !mode.includes('without')
    const wrong: string[] = []
    let at = 1
    for (let struck = true; struck; at++) {
      for (const how of ['EIO', 'ENOSPC', 'EACCES']) {
        rmSync(to, { force: true })
        writeFileSync(from, 'weights')
        const faulty = createFaultyDisk({ ...faults, hardLinks, at, how })
        const moved = await moveFile(from, to, { disk: faulty.disk }).then(() => true, () => false)
        struck = faulty.calls() >= at
        const names = [...readdirSync(join(dir, 'a')), ...readdirSync(join(dir, 'b'))]
        if (names.length !== 1 || existsSync(moved ? from : to)) wrong.push(`${how} at ${at} (${faulty.names()[at - 1]}): ${moved} ${names.join()}`)
      }
    }
    t.same(wrong, [])
    t.ok(at > 4, `${at} points`)
  })
}

t.test('a link moves as the link itself and its target stays', async (t) => {
  const dir = t.testdir({ a: {}, b: {}, store: { 'm.safetensors': 'weights' } })
  symlinkSync('../store/m.safetensors', join(dir, 'a/m.safetensors'))
  await moveFile(join(dir, 'a/m.safetensors'), join(dir, 'b/m.safetensors'))
  t.equal(readlinkSync(join(dir, 'b/m.safetensors')), '../store/m.safetensors')
  t.equal(readFileSync(join(dir, 'store/m.safetensors'), 'utf8'), 'weights')
  t.notOk(existsSync(join(dir, 'a/m.safetensors')))
  symlinkSync('elsewhere', join(dir, 'a/second'))
  await t.rejects(moveFile(join(dir, 'a/second'), join(dir, 'b/m.safetensors')), { code: 'destination-exists' })
  t.equal(readlinkSync(join(dir, 'a/second')), 'elsewhere')
})

t.test('a missing source and a directory are refused', async (t) => {
  const dir = t.testdir({ a: {} })
  await t.rejects(moveFile(join(dir, 'none'), join(dir, 'b')), { code: 'source-missing', kind: 'not-found' })
  await t.rejects(moveFile(join(dir, 'a'), join(dir, 'b')), { code: 'not-a-file' })
})

t.test('a copy that is not what was read never takes the place of the source', async (t) => {
  const dir = t.testdir({ a: { m: 'weights' }, b: {} })
  const [from, to] = [join(dir, 'a/m'), join(dir, 'b/m')]
  const { disk } = createFaultyDisk({ volumes: [join(dir, 'b')] })
  const rotten = {
    ...disk,
    copy: async (source: string, target: string) => {
      const read = await disk.copy(source, target)
      writeFileSync(target, 'weightz')
      return read
    }
  }
  await t.rejects(moveFile(from, to, { disk: rotten }), { code: 'EIO' })
  const growing = {
    ...disk,
    sha256: async (path: string) => {
      appendFileSync(from, ' and more')
      return disk.sha256(path)
    }
  }
  await t.rejects(moveFile(from, to, { disk: growing }), { code: 'source-changed' })
  t.equal(readFileSync(from, 'utf8'), 'weights and more')
  t.same(readdirSync(join(dir, 'b')), [])
})

t.test('a source that someone removes or replaces in the middle costs no file', async (t) => {
  const dir = t.testdir({ m: 'weights' })
  const [from, to] = [join(dir, 'm'), join(dir, 'n')]
  const removed = {
    ...nodeDisk,
    unlink: async (path: string) => {
      unlinkSync(path)
      return nodeDisk.unlink(path)
    }
  }
  await moveFile(from, to, { disk: removed })
  t.equal(readFileSync(to, 'utf8'), 'weights', 'the last name stays')
  renameSync(to, from)
  const replaced = {
    ...nodeDisk,
    unlink: async (path: string) => {
      writeFileSync(`${path}.other`, 'another file')
      renameSync(`${path}.other`, path)
      throw Object.assign(new Error('EACCES'), { code: 'EACCES' })
    }
  }
  await moveFile(from, to, { disk: replaced })
  t.same([readFileSync(from, 'utf8'), readFileSync(to, 'utf8')], ['another file', 'weights'])
})

t.test('a change of case is done where both spellings are one entry, and refused where they are two', async (t) => {
  const dir = t.testdir({ 'Model.safetensors': 'weights' })
  const [from, to] = [join(dir, 'Model.safetensors'), join(dir, 'model.safetensors')]
  const disk = ignoringCase()
  t.ok(await isCaseOnlyRename(disk, from, to))
  await moveFile(from, to, { disk })
  t.same(readdirSync(dir), ['model.safetensors'])
  await moveFile(to, from, { disk: { ...disk, link: async () => { throw Object.assign(new Error('EPERM'), { code: 'EPERM' }) } } })
  t.same(readdirSync(dir), ['Model.safetensors'])
  linkSync(from, to)
  t.notOk(await isCaseOnlyRename(nodeDisk, from, to), 'two hard links on a volume that tells them apart')
  await t.rejects(moveFile(from, to), { code: 'destination-exists' })
  t.same(readdirSync(dir).sort(), ['Model.safetensors', 'model.safetensors'])
})

t.test('a file moves between two real volumes', async (t) => {
  const dir = t.testdir({ m: 'weights' })
  const volumes = ['/dev/shm', tmpdir()].filter((path) => existsSync(path))
  const other = volumes.find((path) => lstatSync(path).dev !== lstatSync(dir).dev)
  if (other === undefined) {
    t.pass('this machine has one volume; the copy is tested above')
    return
  }
  const there = join(other, `modelshelf-test-${process.pid}`)
  mkdirSync(there)
  t.teardown(() => { rmSync(there, { recursive: true }) })
  const data = Buffer.alloc(3_500_000, 'weights')
  writeFileSync(join(dir, 'm'), data)
  const before = statSync(join(dir, 'm'))
  t.match(await moveFile(join(dir, 'm'), join(there, 'm')), { crossed: true })
  t.ok(readFileSync(join(there, 'm')).equals(data))
  t.ok(Math.abs(statSync(join(there, 'm')).mtimeMs - before.mtimeMs) < 0.01)
  t.same([readdirSync(dir), readdirSync(there)], [[], ['m']])
})
