import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import t from 'tap'
import type { Test } from 'tap'
import { anyRemoteMount } from '../../../services/files/mount-kind.ts'
import { nodeDisk } from '../../../services/journal/disk.ts'
import { createHire } from '../../../services/journal/hand.ts'
import { newOperationId } from '../../../services/journal/journal.ts'
import type { Operation, Step, Unit } from '../../../services/journal/types.ts'
import { createWorld } from './world.ts'
import type { World } from './world.ts'

const MANY = 40
const quiet = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined }

function worldOfMany (t: Test): World {
  const world = createWorld(`${t.testdir({})}/library`)
  world.lay(Object.fromEntries(Array.from({ length: MANY }, (_, n) => [[`a/${n}.safetensors`, `weights ${n}`], [`a/${n}.png`, `picture ${n}`], [`a/${n}.metadata.json`, `{"n":${n}}`]]).flat() as [string, string][]))
  return world
}

const files = (n: number): string[] => [`${n}.safetensors`, `${n}.png`, `${n}.metadata.json`]

function bulk (kind: Operation['kind'], steps: (n: number) => Step[]): Operation & { id: string } {
  return { id: newOperationId(), kind, route: 'test', summary: kind, units: Array.from({ length: MANY }, (_, n): Unit => ({ key: String(n), label: String(n), steps: steps(n) })) }
}

function moves (world: World, to = 'b'): Operation & { id: string } {
  return bulk('bulk-move', (n) => [
    ...files(n).map((name): Step => ({ kind: 'move', from: world.path(`a/${name}`), to: world.path(`${to}/${name}`) })),
    { kind: 'write', path: world.path(`${to}/${n}.metadata.json`), data: `{"n":${n},"folder":"${to}"}` }
  ])
}

/** What the main thread asks of the disk while it works. */
async function callsHere<T> (work: () => Promise<T>): Promise<{ result: T, calls: number }> {
  const { link, unlink } = nodeDisk
  let calls = 0
  Object.assign(nodeDisk, {
    link: async (from: string, to: string) => { calls++; await link(from, to) },
    unlink: async (path: string) => { calls++; await unlink(path) }
  })
  try {
    return { result: await work(), calls }
  } finally {
    Object.assign(nodeDisk, { link, unlink })
  }
}

t.test('many models are moved by a thread of their own, and come back byte for byte', async (t) => {
  const world = worldOfMany(t)
  const before = world.tree()
  const journal = world.journal()
  const move = moves(world)
  const order: string[] = []
  const { result, calls } = await callsHere(async () => await journal.run(move, { onUnit: ({ key }) => { order.push(key) } }))
  t.equal(result.state, 'done')
  t.equal(calls, 0, 'this thread moved nothing')
  t.same(order, move.units.map(({ key }) => key), 'in their order')
  t.equal(readFileSync(world.path('b/7.metadata.json'), 'utf8'), '{"n":7,"folder":"b"}')
  t.equal(readFileSync(world.path('b/39.png'), 'utf8'), 'picture 39')
  t.equal((await callsHere(async () => await journal.undo(move.id))).calls, 0, 'nor took it back')
  t.same(world.tree(), before)
})

t.test('many deleted models lie in the trash with a manifest of them all', async (t) => {
  const world = worldOfMany(t)
  const before = world.tree()
  const journal = world.journal()
  const deletion = bulk('bulk-delete', (n) => files(n).map((name) => ({ kind: 'trash', path: world.path(`a/${name}`) })))
  t.equal((await journal.run(deletion)).state, 'done')
  const manifest = JSON.parse(readFileSync(world.path(`.modelshelf-trash/${deletion.id}/manifest.json`), 'utf8')) as { items: unknown[] }
  t.equal(manifest.items.length, 3 * MANY)
  t.equal(journal.trash.list({ limit: 10 }).items[0]?.items.length, 3 * MANY)
  await journal.undo(deletion.id)
  t.same(world.tree(), before)
})

t.test('of many models one whose place is taken meanwhile is wholly where it was, the sidecar that was written already too', async (t) => {
  const world = worldOfMany(t)
  const journal = world.journal()
  const move = bulk('bulk-move', (n) => [
    { kind: 'move', from: world.path(`a/${n}.metadata.json`), to: world.path(`b/${n}.metadata.json`) },
    { kind: 'write', path: world.path(`b/${n}.metadata.json`), data: 'new' },
    { kind: 'move', from: world.path(`a/${n}.safetensors`), to: world.path(`b/${n}.safetensors`) }
  ])
  const result = await journal.run(move, {
    onUnit ({ key }) {
      // The thread is asked for a few units in advance; this one is far behind them.
      if (key === '0') writeFileSync(world.path('b/30.safetensors'), 'theirs')
    }
  })
  t.equal(result.state, 'partial')
  t.same(result.units.filter(({ ok }) => !ok).map(({ key, error }) => [key, error?.code]), [['30', 'destination-exists']])
  t.equal(readFileSync(world.path('b/30.safetensors'), 'utf8'), 'theirs')
  t.equal(readFileSync(world.path('a/30.safetensors'), 'utf8'), 'weights 30')
  t.equal(readFileSync(world.path('a/30.metadata.json'), 'utf8'), '{"n":30}')
  t.notOk(existsSync(world.path('b/30.metadata.json')))
  t.equal(readFileSync(world.path('b/31.metadata.json'), 'utf8'), 'new', 'those after it are done')
})

t.test('an abort leaves what the thread was not asked for', async (t) => {
  const world = worldOfMany(t)
  const abort = new AbortController()
  const result = await world.journal().run(moves(world), { signal: abort.signal, onUnit: ({ key }) => { if (key === '3') abort.abort() } })
  const codes = result.units.map(({ error }) => error?.code ?? 'done')
  t.equal(result.state, 'partial')
  t.match(codes.slice(-20), Array.from({ length: 20 }, () => 'not-run'))
  t.ok(existsSync(world.path('a/39.safetensors')))
})

t.test('many models cross to another volume and come back', { skip: !existsSync('/dev/shm') || statSync('/dev/shm').dev === statSync(process.cwd()).dev }, async (t) => {
  const world = worldOfMany(t)
  const other = mkdtempSync('/dev/shm/hand-')
  t.teardown(() => { rmSync(other, { recursive: true, force: true }) })
  mkdirSync(`${other}/kept`)
  symlinkSync(other, world.path('b'))
  const before = world.tree()
  const journal = world.journal()
  const move = moves(world)
  t.equal((await journal.run(move)).state, 'done')
  t.equal(readFileSync(`${other}/5.safetensors`, 'utf8'), 'weights 5')
  const recorded = world.database().prepare('SELECT actions FROM journal_units WHERE operation = ? AND n = 5').pluck().get(move.id) as string
  t.match((JSON.parse(recorded) as { after?: { ino: string } }[]).find(({ after }) => after), { after: { ino: String(statSync(`${other}/5.safetensors`).ino) } }, 'what arrived is on record')
  await journal.undo(move.id)
  t.same(world.tree(), before)
})

t.test('a step that makes no sense is refused before anything is touched, by the thread as well', async (t) => {
  const world = worldOfMany(t)
  const before = world.tree()
  const operation = bulk('organize', (n) => n < MANY - 1 ? [{ kind: 'trash', path: world.path(`a/${n}.png`) }] : [{ kind: 'rmdir', path: world.root }])
  await t.rejects(world.journal().run(operation), { kind: 'invalid', code: 'invalid-operation' })
  t.same(world.tree(), before)
})

t.test('no thread is hired for a few models, nor for a disk elsewhere', { skip: process.platform !== 'linux' }, async (t) => {
  const directory = t.testdir({ models: {} })
  const hire = createHire({ roots: () => [{ path: directory }], logger: quiet })
  t.equal(await hire(newOperationId(), [`${directory}/models/m`], 3), null)
  const hand = await hire(newOperationId(), [`${directory}/models/m`, `${directory}/not/there/yet/m`], MANY)
  t.ok(hand, 'where all is local')
  hand?.dismiss()
  t.equal(await anyRemoteMount([`${directory}/models/m/below-a-file`, `${directory}/none/m`]), false)
})
