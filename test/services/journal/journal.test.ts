import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, renameSync, rmSync, statSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { isOwnTempName } from '../../../services/files/atomic-write.ts'
import { nodeDisk } from '../../../services/journal/disk.ts'
import { failureOf, UndoRefusedError } from '../../../services/journal/errors.ts'
import { newOperationId } from '../../../services/journal/journal.ts'
import { temporaryName } from '../../../services/journal/shop.ts'
import type { Operation, Step, Unit } from '../../../services/journal/types.ts'
import { createFaultyDisk } from './faulty-disk.ts'
import { createWorld } from './world.ts'
import type { World } from './world.ts'

function worldFor (t: Test, files: Record<string, string> = {}): World {
  const world = createWorld(`${t.testdir({})}/library`)
  world.lay(files)
  return world
}

function operation (kind: Operation['kind'], units: Record<string, Step[]>): Operation {
  return {
    id: newOperationId(),
    kind,
    route: 'POST /test',
    summary: `a ${kind}`,
    units: Object.entries(units).map(([key, steps]): Unit => ({ key, label: key, steps }))
  }
}

/** Too large for its content to be compared unless the caller knows its hash. */
const large = 'p'.repeat(1_100_000)

const model = { 'a/m.safetensors': 'weights', 'a/m.webp': 'picture', 'a/m.metadata.json': '{}' }

function trashAll (world: World, names: string[] = Object.keys(model)): Step[] {
  return names.map((name) => ({ kind: 'trash', path: world.path(name) }))
}

t.test('a deleted set lies in the trash under names no program takes for models, with a manifest, and comes back by undo', async (t) => {
  const world = worldFor(t, model)
  const before = world.tree()
  const journal = world.journal()
  const deletion = operation('delete', { m: trashAll(world) })
  const result = await journal.run(deletion)
  t.match(result, { id: deletion.id, state: 'done', units: [{ key: 'm', ok: true, files: [{ from: world.path('a/m.safetensors'), to: null }, {}, {}] }] })
  const trash = world.path(`.modelshelf-trash/${deletion.id}`)
  t.same(readdirSync(trash), ['1', '2', '3', 'manifest.json'])
  t.match(JSON.parse(readFileSync(`${trash}/manifest.json`, 'utf8')), {
    operation: deletion.id, kind: 'delete', items: [{ name: '1', original: world.path('a/m.safetensors'), size: 7 }, {}, {}]
  })
  t.match(journal.trash.list({ limit: 10 }), { items: [{ id: deletion.id, size: 16, items: [{ id: `${deletion.id}-1`, original_path: world.path('a/m.safetensors') }, {}, {}] }], next: null })
  const undone = await journal.undo(String(deletion.id), 'POST /undo')
  t.match(undone, { state: 'done', units: [{ key: 'm', ok: true }] })
  t.same(world.tree(), before, 'names, contents and times, and no trash left')
  t.match(journal.operation(String(deletion.id)), { state: 'undone', undoable: false, undone_by: undone.id })
  t.match(journal.operation(undone.id), { kind: 'undo', state: 'done', undo_of: deletion.id, undoable: false })
  t.same(journal.trash.list({ limit: 10 }).items, [])
  await t.rejects(journal.undo(String(deletion.id)), { code: 'undo-refused', kind: 'conflict' })
})

t.test('a failing unit is as before and the others are done', async (t) => {
  const world = worldFor(t, { 'a/1': '1', 'a/2': '2', 'a/2.json': '{}', 'a/3': '3', 'b/2.json': 'theirs', 'a/.4.tmp': 'preview' })
  const result = await world.journal().run(operation('bulk-move', {
    one: [{ kind: 'move', from: world.path('a/1'), to: world.path('b/1') }],
    two: [{ kind: 'move', from: world.path('a/2'), to: world.path('b/2') }, { kind: 'move', from: world.path('a/2.json'), to: world.path('b/2.json') }],
    three: [{ kind: 'move', from: world.path('a/3'), to: world.path('b/3') }],
    four: [{ kind: 'create', path: world.path('a/4'), from: world.path('a/.4.tmp') }, { kind: 'trash', path: world.path('a/none') }]
  }))
  t.equal(result.state, 'partial')
  t.same(result.units.map((unit) => unit.error?.code ?? unit.ok), [true, 'destination-exists', true, 'source-missing'])
  t.match(failureOf(result.units[1]), { kind: 'conflict', code: 'destination-exists' })
  t.equal(failureOf(result.units[0]), null)
  t.same(Object.keys(world.tree()), ['a', 'a/2', 'a/2.json', 'b', 'b/1', 'b/2.json', 'b/3'], 'and the temporary file of a failed unit is gone')
})

t.test('an abort stops between units, and listeners hear of every unit even if one of them fails', async (t) => {
  const world = worldFor(t, { 'a/1': '1', 'a/2': '2', 'a/3': '3' })
  const abort = new AbortController()
  const heard: string[] = []
  const units = Object.fromEntries(['1', '2', '3'].map((name): [string, Step[]] => [`u${name}`, trashAll(world, [`a/${name}`])]))
  const result = await world.journal().run(operation('bulk-delete', units), {
    signal: abort.signal,
    onUnit: (unit, done, total) => {
      heard.push(`${unit.key} ${unit.ok} ${done}/${total}`)
      if (unit.key === 'u2') abort.abort()
      throw new Error('the listener fails')
    }
  })
  t.same(heard, ['u1 true 1/3', 'u2 true 2/3', 'u3 false 3/3'])
  t.equal(result.units[2]?.error?.code, 'not-run')
  t.ok(existsSync(world.path('a/3')))
})

t.test('a sidecar that another program has changed is not overwritten, nor one that should not be there', async (t) => {
  const world = worldFor(t, { 'a/m.json': 'theirs' })
  const journal = world.journal()
  const { size, mtimeMs } = statSync(world.path('a/m.json'))
  const write = (expected: { size: number, mtimeMs: number } | 'absent'): Operation => operation('edit', { m: [{ kind: 'write', path: world.path('a/m.json'), data: 'ours', expected }] })
  for (const expected of [{ size: size + 1, mtimeMs }, { size, mtimeMs: mtimeMs - 5 }, 'absent' as const]) {
    t.equal((await journal.run(write(expected))).units[0]?.error?.code, 'source-changed')
  }
  t.equal((await journal.run(write({ size, mtimeMs }))).state, 'done')
  t.equal(readFileSync(world.path('a/m.json'), 'utf8'), 'ours')
})

t.test('a file that only looks like what the caller brought along is not overwritten, and the bytes brought along come back by undo', async (t) => {
  const world = worldFor(t, { 'a/m.json': 'mine', 'a/n.json': 'mine' })
  const journal = world.journal()
  const { size, mtimeMs } = statSync(world.path('a/m.json'))
  writeFileSync(world.path('a/m.json'), 'hers')
  utimesSync(world.path('a/m.json'), mtimeMs / 1000, mtimeMs / 1000)
  const before = world.tree()
  const change = operation('edit', Object.fromEntries(['m', 'n'].map((name): [string, Step[]] => [name, [{ kind: 'write', path: world.path(`a/${name}.json`), data: 'ours', expected: { size, mtimeMs, data: Buffer.from('mine') } }]])))
  const result = await journal.run(change)
  t.same(result.units.map((unit) => unit.error?.code ?? unit.ok), ['source-changed', true])
  t.equal(readFileSync(world.path('a/m.json'), 'utf8'), 'hers')
  t.equal(readFileSync(world.path('a/n.json'), 'utf8'), 'ours')
  await journal.undo(String(change.id))
  t.same(world.tree(), before)
})

t.test('a file that changes between the intent and its turn stays where it is', async (t) => {
  const world = worldFor(t, { 'a/1': '1', 'a/2': '2', 'a/3': 'three' })
  const result = await world.journal().run(operation('bulk-delete', {
    one: trashAll(world, ['a/1']),
    two: trashAll(world, ['a/2']),
    three: [{ kind: 'write', path: world.path('a/3'), data: 'ours' }]
  }), {
    onUnit: () => {
      writeFileSync(world.path('a/2'), 'edited meanwhile')
      writeFileSync(world.path('a/3'), 'edited')
    }
  })
  t.same(result.units.map((unit) => unit.error?.code ?? unit.ok), [true, 'source-changed', 'source-changed'])
  t.equal(readFileSync(world.path('a/2'), 'utf8'), 'edited meanwhile')
  t.equal(readFileSync(world.path('a/3'), 'utf8'), 'edited')
})

t.test('a link to a model is moved and trashed as the link; a relative one still points at its model from elsewhere', async (t) => {
  const world = worldFor(t, { 'store/m.safetensors': 'weights', 'a/keep': '' })
  symlinkSync('../store/m.safetensors', world.path('a/m.safetensors'))
  const before = world.tree()
  const journal = world.journal()
  const move = operation('move', { m: [{ kind: 'move', from: world.path('a/m.safetensors'), to: world.path('b/deep/m.safetensors') }] })
  t.equal((await journal.run(move)).state, 'done')
  t.equal(readFileSync(world.path('b/deep/m.safetensors'), 'utf8'), 'weights')
  await journal.undo(String(move.id))
  t.same(world.tree(), before)
  const deletion = operation('delete', { m: trashAll(world, ['a/m.safetensors']) })
  await journal.run(deletion)
  t.equal(readlinkSync(world.path(`.modelshelf-trash/${deletion.id}/1`)), '../store/m.safetensors', 'as it was')
  t.equal(readFileSync(world.path('store/m.safetensors'), 'utf8'), 'weights')
  await journal.undo(String(deletion.id))
  t.same(world.tree(), before)
})

t.test('undo is refused as a whole, with every reason, once the world has changed', async (t) => {
  const world = worldFor(t, { ...model, 'a/n': 'n', 'a/o': 'o', 'a/p': large, 'a/q.json': 'q' })
  const journal = world.journal()
  const change = operation('organize', {
    m: trashAll(world),
    n: [{ kind: 'move', from: world.path('a/n'), to: world.path('b/n') }],
    o: [{ kind: 'move', from: world.path('a/o'), to: world.path('b/o') }],
    p: [{ kind: 'move', from: world.path('a/p'), to: world.path('b/p') }],
    q: [{ kind: 'write', path: world.path('a/q.json'), data: 'ours' }]
  })
  await journal.run(change)
  writeFileSync(world.path('a/m.webp'), 'a new picture')
  unlinkSync(world.path(`.modelshelf-trash/${change.id}/1`))
  writeFileSync(world.path('b/n'), 'edited since')
  unlinkSync(world.path('b/o'))
  renameSync(world.path('b/p'), world.path('b/p.kept'))
  writeFileSync(world.path('b/p'), large)
  const { atime, mtime } = statSync(world.path('b/p.kept'))
  utimesSync(world.path('b/p'), atime, mtime)
  writeFileSync(world.path('a/q.json'), 'edited since')
  const tree = world.tree()
  const error = await journal.undo(String(change.id)).catch((reason: unknown) => reason)
  t.type(error, UndoRefusedError)
  t.same((error as UndoRefusedError).fields['reasons'], [
    'q.json has been changed or removed since',
    'p has been changed or replaced since',
    'o is not at its place any more',
    'n has been changed or replaced since',
    'A file named m.webp already exists at the destination',
    'm.safetensors is not in the trash any more'
  ])
  t.same(world.tree(), tree, 'nothing was touched')
  t.equal(journal.operation(String(change.id)).state, 'done')
})

t.test('a replaced file of the same size and time is told by its hash where the caller knows it', async (t) => {
  const world = worldFor(t, { 'a/p': large })
  const journal = world.journal()
  const sha256 = await nodeDisk.sha256(world.path('a/p'))
  const change = operation('move', { p: [{ kind: 'move', from: world.path('a/p'), to: world.path('b/p'), sha256 }] })
  await journal.run(change)
  const { atime, mtime } = statSync(world.path('b/p'))
  writeFileSync(world.path('b/other'), large)
  utimesSync(world.path('b/other'), atime, mtime)
  renameSync(world.path('b/other'), world.path('b/p'))
  t.equal((await journal.undo(String(change.id))).state, 'done', 'another inode with the same content')
  t.equal(readFileSync(world.path('a/p'), 'utf8'), large)
})

t.test('directories that an operation made go with its undo, those it removed come back, others stay', async (t) => {
  const world = worldFor(t, { 'old/m': 'm', 'full/x': 'x', 'full/y': 'y' })
  const before = world.tree()
  const journal = world.journal()
  const change = operation('organize', {
    m: [{ kind: 'mkdir', path: world.path('extra/dir') }, { kind: 'move', from: world.path('old/m'), to: world.path('new/deep/m') }],
    x: [{ kind: 'move', from: world.path('full/x'), to: world.path('new/deep/x') }],
    clean: [{ kind: 'rmdir', path: world.path('old') }, { kind: 'rmdir', path: world.path('full') }]
  })
  t.equal((await journal.run(change)).state, 'done')
  t.same(Object.keys(world.tree()), ['extra', 'extra/dir', 'full', 'full/y', 'new', 'new/deep', 'new/deep/m', 'new/deep/x'])
  world.lay({ 'extra/theirs': 'theirs' })
  await journal.undo(String(change.id))
  unlinkSync(world.path('extra/theirs'))
  rmSync(world.path('extra'), { recursive: true })
  t.same(world.tree(), before)
})

t.test('one item, or a batch, comes back from the trash; an occupied place is refused and the item stays', async (t) => {
  const world = worldFor(t, { ...model, 'a/n.safetensors': 'n' })
  const journal = world.journal()
  const deletion = operation('bulk-delete', { m: trashAll(world), n: trashAll(world, ['a/n.safetensors']) })
  const id = String(deletion.id)
  await journal.run(deletion)
  t.match(await journal.trash.restore(`${id}-4`), { state: 'done', units: [{ files: [{ from: null, to: world.path('a/n.safetensors') }] }] })
  t.equal(readFileSync(world.path('a/n.safetensors'), 'utf8'), 'n')
  t.match(JSON.parse(readFileSync(world.path(`.modelshelf-trash/${id}/manifest.json`), 'utf8')).items.length, 3)
  t.match(journal.operation(id), { undoable: false, undo_reason: /no longer in the trash/ })
  world.lay({ 'a/m.webp': 'theirs' })
  const refused = await journal.trash.restore(id)
  t.match(refused, { state: 'failed', units: [{ ok: false, error: { code: 'destination-exists' } }] })
  t.notOk(existsSync(world.path('a/m.safetensors')), 'the set as a whole stays')
  unlinkSync(world.path('a/m.webp'))
  t.equal((await journal.trash.restore(id)).state, 'done')
  t.same(world.contents().length, 4)
  t.notOk(existsSync(world.path('.modelshelf-trash')))
  await t.rejects(journal.trash.restore(id), { code: 'not-in-trash', kind: 'not-found' })
})

t.test('the trash is emptied by age and by size, oldest first, and only of what the journal put there', async (t) => {
  const world = worldFor(t, { 'a/1': '1'.repeat(100), 'a/2': '2'.repeat(100), 'a/3': '3'.repeat(100), 'a/4': '4' })
  let now = 1_700_000_000_000
  const journal = world.journal(nodeDisk, { now: () => now })
  const ids: string[] = []
  for (const name of ['1', '2', '3', '4']) {
    const deletion = operation('delete', { m: trashAll(world, [`a/${name}`]) })
    ids.push(String(deletion.id))
    await journal.run(deletion)
    now += 10 * 24 * 3600 * 1000
  }
  const [first = '', second = '', third = '', fourth = ''] = ids
  world.lay({ [`.modelshelf-trash/${first}/theirs`]: 'put there by hand' })
  t.same(await journal.trash.empty({ olderThanDays: 35 }), { removed: 1, bytes: 100, kept: [] })
  t.same(readdirSync(world.path(`.modelshelf-trash/${first}`)).sort(), ['manifest.json', 'theirs'])
  t.same(await journal.trash.empty({ keepBytes: 150 }), { removed: 1, bytes: 100, kept: [] })
  t.notOk(existsSync(world.path(`.modelshelf-trash/${second}`)))
  t.same(journal.trash.list({ limit: 1 }).items.map((batch) => [batch.id, batch.age_seconds]), [[fourth, 10 * 24 * 3600]])
  t.same(journal.trash.list({ limit: 1, after: fourth }).items.map((batch) => batch.id), [third])
  writeFileSync(world.path(`.modelshelf-trash/${third}/1`), 'something else')
  t.match(await journal.trash.empty(), { removed: 1, bytes: 1, kept: [{ id: `${third}-1`, reason: /not the file/ }] })
  t.ok(existsSync(world.path(`.modelshelf-trash/${third}/1`)))
  t.equal(journal.expired(first, 1e9), true, 'what was purged is over, however long the window')
  t.match(journal.operation(first), { undoable: false, undo_reason: /no longer/ })
})

t.test('the undo window is told by a clock that does not jump, also across a restart', async (t) => {
  const world = worldFor(t, { 'a/1': '1', 'a/2': '2' })
  let [wall, ticks] = [1_700_000_000_000, 0]
  const clock = { now: () => wall, monotonic: () => ticks }
  const journal = world.journal(nodeDisk, clock)
  const deletion = operation('delete', { m: trashAll(world, ['a/1']) })
  const id = String(deletion.id)
  await journal.run(deletion)
  wall += 365 * 24 * 3600 * 1000
  t.equal(journal.expired(id, 20), false, 'the wall clock jumped a year')
  ticks += 21_000
  t.equal(journal.expired(id, 20), true)
  wall = 1_700_000_005_000
  const restarted = world.journal(nodeDisk, clock)
  t.equal(restarted.expired(id, 20), false, '5 s before the restart')
  ticks += 16_000
  t.equal(restarted.expired(id, 20), true)
  wall = 1_600_000_000_000
  t.equal(world.journal(nodeDisk, clock).expired(id, 20), false, 'set back: counted from the start')
  t.throws(() => journal.expired(newOperationId(), 20), { code: 'operation-not-found' })
})

t.test('old operations are forgotten once their trash is gone, and their ids are remembered', async (t) => {
  const world = worldFor(t, { 'a/1': '1', 'a/2': '2' })
  let now = 1_700_000_000_000
  const journal = world.journal(nodeDisk, { now: () => now })
  const deletion = operation('delete', { m: trashAll(world, ['a/1']) })
  const move = operation('move', { m: [{ kind: 'move', from: world.path('a/2'), to: world.path('b/2') }, { kind: 'write', path: world.path('b/2'), data: 'new' }] })
  await journal.run(deletion)
  await journal.run(move)
  now += 31 * 24 * 3600 * 1000
  t.equal(journal.prune({ olderThanDays: 60 }), 0)
  t.equal(journal.prune({ olderThanDays: 30 }), 1, 'the trash of the deletion is still there')
  t.throws(() => journal.operation(String(move.id)), { code: 'operation-not-found' })
  t.equal(journal.expired(String(move.id), 1e9), true)
  t.equal(world.database().prepare('SELECT count(*) FROM journal_contents').pluck().get(), 0)
  await journal.trash.empty()
  t.equal(journal.prune({ olderThanDays: 30 }), 1)
  t.same(journal.operations({ limit: 10 }), { items: [], next: null })
})

t.test('operations are listed newest first, page by page', async (t) => {
  const world = worldFor(t, { 'a/1': '1', 'a/2': '2', 'a/3': '3' })
  const journal = world.journal()
  for (const name of ['1', '2', '3']) await journal.run(operation('move', { [name]: [{ kind: 'move', from: world.path(`a/${name}`), to: world.path(`b/${name}`) }] }))
  const first = journal.operations({ limit: 2 })
  t.match(first.items.map((item) => item.changes), [[{ to: world.path('b/3') }], [{ to: world.path('b/2') }]])
  t.match(first.items[0], { kind: 'move', route: 'POST /test', state: 'done', created_at: /^\d{4}-.*Z$/, finished_at: /Z$/, units: 1, files: 1, undoable: true, undo_reason: null })
  const second = journal.operations({ limit: 2, after: String(first.next) })
  t.match(second, { items: [{ changes: [{ to: world.path('b/1') }] }], next: null })
  t.match(journal.operation(String(second.items[0]?.id)).unit_list, [{ key: '1', state: 'done', error: null, files: [{ from: world.path('a/1') }] }])
})

t.test('what makes no sense is refused before anything is touched', async (t) => {
  const world = worldFor(t, { 'a/1': '1' })
  const journal = world.journal()
  const before = world.tree()
  const nonsense: Step[][] = [
    [{ kind: 'trash', path: 'a/1' }],
    [{ kind: 'move', from: world.path('a/1'), to: world.path('b/1') }, { kind: 'move', from: world.path('b/1'), to: world.path('c/1') }],
    [{ kind: 'write', path: world.path('a/1'), data: '2' }, { kind: 'write', path: world.path('a/1'), data: '3' }],
    [{ kind: 'create', path: world.path('b/1'), from: world.path('a/1') }],
    [{ kind: 'rmdir', path: world.root }],
    [{ kind: 'trash', path: `${world.path('a/1')}\0` }]
  ]
  for (const steps of nonsense) await t.rejects(journal.run(operation('move', { m: steps })), { kind: 'invalid', code: 'invalid-operation' })
  await t.rejects(journal.run({ ...operation('move', {}), id: '../../x' }), { code: 'invalid-operation' })
  const twice = operation('delete', { m: trashAll(world, ['a/1']), again: trashAll(world, ['a/1']) })
  t.same(world.tree(), before)
  t.same((await journal.run(twice)).units.map((unit) => unit.ok), [true, false], 'the same file asked for twice')
  await t.rejects(journal.run(twice), { code: 'operation-exists', kind: 'conflict' })
})

t.test('a target can be the place that the same operation vacates', async (t) => {
  const world = worldFor(t, { 'a/1': 'one', 'a/2': 'two' })
  const before = world.tree()
  const journal = world.journal()
  const change = operation('organize', {
    one: [{ kind: 'move', from: world.path('a/1'), to: world.path('b/1') }],
    two: [{ kind: 'move', from: world.path('a/2'), to: world.path('a/1') }]
  })
  t.equal((await journal.run(change)).state, 'done')
  t.equal(readFileSync(world.path('a/1'), 'utf8'), 'two')
  await journal.undo(String(change.id))
  t.same(world.tree(), before)
})

t.test('while a disk is away nothing is made in its place and nothing is given up; recovery ends when it is back', async (t) => {
  const world = worldFor(t, model)
  const before = world.tree()
  const faulty = createFaultyDisk({ at: 16, how: 'crash', onCrash: () => { world.crash() } })
  const deletion = operation('delete', { m: trashAll(world) })
  await t.rejects(world.journal(faulty.disk).run(deletion))
  t.not(world.tree()['a/m.safetensors'], before['a/m.safetensors'], 'it crashed in the middle')
  renameSync(world.root, `${world.root}-away`)
  const journal = world.journal()
  t.match(await journal.recover(), { operations: [{ id: deletion.id, state: 'interrupted', units: [{ key: 'm', outcome: 'waiting' }] }] })
  t.equal(journal.operation(String(deletion.id)).state, 'interrupted')
  await t.rejects(journal.undo(String(deletion.id)), { code: 'undo-refused' })
  const [refused] = (await journal.run(operation('edit', { x: [{ kind: 'write', path: world.path('a/new.json'), data: '{}' }] }))).units
  t.equal(refused?.error?.code, 'root-offline')
  t.notOk(existsSync(world.root))
  renameSync(`${world.root}-away`, world.root)
  t.match(await journal.recover(), { operations: [{ state: 'done', units: [{ outcome: 'finished' }] }] })
  await journal.undo(String(deletion.id))
  t.same(world.tree(), before)
})

t.test('what others edit after a change whose completion was lost is not taken for half of it', async (t) => {
  const world = worldFor(t, { ...model, 'a/.new.tmp': 'new picture' })
  const counted = createFaultyDisk()
  const change = (): Operation => operation('replace-preview', {
    m: [
      { kind: 'trash', path: world.path('a/m.webp') },
      { kind: 'create', path: world.path('a/m.webp'), from: world.path('a/.new.tmp') },
      { kind: 'write', path: world.path('a/m.metadata.json'), data: '{"preview":"new"}' }
    ]
  })
  await world.journal(counted.disk).run(change())
  for (const edit of [{ 'a/m.metadata.json': '{"edited":1}' }, { 'a/m.webp': 'edited picture' }]) {
    world.lay({ ...model, 'a/.new.tmp': 'new picture' })
    const synced = counted.names().indexOf('fsyncDirectory') + 1
    await t.rejects(world.journal(createFaultyDisk({ at: synced, how: 'crash', onCrash: () => { world.crash() } }).disk).run(change()))
    world.lay(edit)
    t.match(await world.journal().recover(), { operations: [{ state: 'done', units: [{ outcome: 'finished' }] }] })
    const expected = { 'a/m.webp': 'new picture', 'a/m.metadata.json': '{"preview":"new"}', ...edit }
    for (const [file, content] of Object.entries(expected)) t.equal(readFileSync(world.path(file), 'utf8'), content)
  }
})

t.test('a change that can neither be finished nor taken back is kept as interrupted, and ended once the disk works', async (t) => {
  const world = worldFor(t, model)
  const before = world.tree()
  let broken = false
  const real = nodeDisk.unlink
  const disk = {
    ...nodeDisk,
    unlink: async (path: string) => {
      if (broken) throw Object.assign(new Error('EIO'), { code: 'EIO' })
      await real(path)
      broken = true
    }
  }
  const journal = world.journal(disk)
  const deletion = operation('delete', { m: trashAll(world) })
  t.match(await journal.run(deletion), { state: 'interrupted', units: [{ ok: false, error: { code: 'interrupted' } }] })
  t.match(await journal.recover(), { operations: [{ state: 'interrupted' }] }, 'still broken')
  broken = false
  disk.unlink = real
  t.match(await journal.recover(), { operations: [{ state: 'done' }] })
  await journal.undo(String(deletion.id))
  t.same(world.tree(), before)
})

t.test('operations on one file wait for each other, others run side by side', async (t) => {
  const world = worldFor(t, { 'a/1': '1', 'a/2': '2' })
  const journal = world.journal()
  const results = await Promise.all([
    journal.run(operation('move', { m: [{ kind: 'move', from: world.path('a/1'), to: world.path('b/1') }] })),
    journal.run(operation('move', { m: [{ kind: 'move', from: world.path('b/1'), to: world.path('c/1') }] })),
    journal.run(operation('move', { m: [{ kind: 'move', from: world.path('a/2'), to: world.path('c/1') }] })),
    journal.run(operation('delete', { m: trashAll(world, ['a/2']) }))
  ])
  t.same(results.map((result) => result.units[0]?.error?.code ?? true), [true, true, 'destination-exists', true])
  t.equal(readFileSync(world.path('c/1'), 'utf8'), '1')
})

t.test('faults of the disk have a code that says what to do', async (t) => {
  const world = worldFor(t, { 'a/1': '1' })
  const codes: Record<string, string> = { EACCES: 'not-writable', EROFS: 'not-writable', ENOSPC: 'storage-full', EIO: 'io-error', ENAMETOOLONG: 'name-too-long' }
  for (const [how, code] of Object.entries(codes)) {
    const disk = { ...nodeDisk, link: async () => { throw Object.assign(new Error(how), { code: how }) } }
    const result = await world.journal(disk).run(operation('move', { m: [{ kind: 'move', from: world.path('a/1'), to: world.path('b/1') }] }))
    t.equal(result.units[0]?.error?.code, code)
    t.notMatch(result.units[0]?.error?.message, world.root, 'no paths')
  }
  t.same(Object.keys(world.tree()), ['a', 'a/1'])
})

t.test('hundreds of models with their companions move with few calls and fewer syncs each, and come back', async (t) => {
  const world = worldFor(t)
  mkdirSync(world.path('a'))
  const names = Array.from({ length: 300 }, (_, n) => `model ${n}`)
  for (const name of names) {
    for (const suffix of ['.safetensors', '.webp', '.metadata.json']) writeFileSync(world.path(`a/${name}${suffix}`), `${name}${suffix}`)
  }
  const faulty = createFaultyDisk()
  const journal = world.journal(faulty.disk)
  const units = Object.fromEntries(names.map((name): [string, Step[]] => [name, [
    ...['.safetensors', '.webp', '.metadata.json'].map((suffix): Step => ({ kind: 'move', from: world.path(`a/${name}${suffix}`), to: world.path(`b/c/${name}${suffix}`) })),
    { kind: 'write', path: world.path(`b/c/${name}.metadata.json`), data: `new ${name}` }
  ]]))
  const change = operation('bulk-move', units)
  const started = performance.now()
  t.equal((await journal.run(change)).state, 'done')
  t.comment(`${names.length} models in ${Math.round(performance.now() - started)} ms`)
  t.ok(faulty.calls() / names.length < 45, `${faulty.calls() / names.length} calls per model of three files`)
  t.ok(faulty.names().filter((name) => name === 'fsyncDirectory').length <= 30, 'directories are synced per batch')
  t.equal(readdirSync(world.path('b/c')).length, 3 * names.length)
  t.equal((await journal.undo(String(change.id))).state, 'done')
  t.equal(readdirSync(world.path('a')).length, 3 * names.length)
  t.notOk(existsSync(world.path('b')))
})

t.test('temporary names are those that the clean-up of the next start knows', async (t) => {
  t.ok(isOwnTempName(basename(temporaryName(newOperationId(), 12))))
})

t.test('a rewritten file keeps its permissions, there and back', async (t) => {
  const world = worldFor(t, { 'a/1': '1' })
  chmodSync(world.path('a/1'), 0o640)
  const journal = world.journal()
  const change = operation('edit', { m: [{ kind: 'write', path: world.path('a/1'), data: 'new' }] })
  await journal.run(change)
  t.equal(statSync(world.path('a/1')).mode & 0o777, 0o640)
  await journal.undo(String(change.id))
  t.equal(statSync(world.path('a/1')).mode & 0o777, 0o640)
})
