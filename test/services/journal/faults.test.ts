import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import t from 'tap'
import type { JournalDisk } from '../../../services/journal/disk.ts'
import type { Operation, OperationResult } from '../../../services/journal/types.ts'
import { createFaultyDisk } from './faulty-disk.ts'
import type { Faults } from './faulty-disk.ts'
import { createWorld } from './world.ts'
import type { World } from './world.ts'

const ID = '0123456789abcdef0123456789abcdef'
const errnos = ['EIO', 'ENOSPC', 'EACCES', 'EXDEV', 'EPERM', 'crash']

interface Scenario {
  lay: Record<string, string>
  steps (world: World): Operation['units'][number]['steps']
  /** Before the intent, what the caller does. */
  prepare? (world: World): void
  /** The old bytes of rewritten files are in the database then. */
  rewrites?: boolean
  volumes?: (world: World) => string[]
}

const set = { 'a/m.safetensors': 'weights', 'a/m.png': 'picture', 'a/m.metadata.json': '{"file_path":"a"}', 'a/other.safetensors': 'other' }

const move: Scenario = {
  lay: set,
  rewrites: true,
  steps: (world) => [
    { kind: 'move', from: world.path('a/m.safetensors'), to: world.path('b/c/m.safetensors') },
    { kind: 'move', from: world.path('a/m.png'), to: world.path('b/c/m.png') },
    { kind: 'move', from: world.path('a/m.metadata.json'), to: world.path('b/c/m.metadata.json') },
    { kind: 'write', path: world.path('b/c/m.metadata.json'), data: '{"file_path":"b/c"}' }
  ]
}

const scenarios: Record<string, Scenario> = {
  move,
  'move across volumes': {
    ...move,
    lay: { ...set, 'b/there.txt': 'there' },
    volumes: (world) => [world.path('b')]
  },
  rename: {
    lay: set,
    rewrites: true,
    steps: (world) => [
      { kind: 'move', from: world.path('a/m.png'), to: world.path('a/n.png') },
      { kind: 'move', from: world.path('a/m.safetensors'), to: world.path('a/n.safetensors') },
      { kind: 'move', from: world.path('a/m.metadata.json'), to: world.path('a/n.metadata.json') },
      { kind: 'write', path: world.path('a/n.metadata.json'), data: '{"file_path":"n"}' }
    ]
  },
  delete: {
    lay: { ...set, 'gone/x.safetensors': 'x' },
    steps: (world) => [
      ...['a/m.safetensors', 'a/m.png', 'a/m.metadata.json', 'gone/x.safetensors'].map((name) => ({ kind: 'trash' as const, path: world.path(name) })),
      { kind: 'rmdir', path: world.path('gone') }
    ]
  },
  'replace preview': {
    lay: set,
    rewrites: true,
    prepare: (world) => { world.lay({ 'a/.m.tmp': 'new picture' }) },
    steps: (world) => [
      { kind: 'trash', path: world.path('a/m.png') },
      { kind: 'create', path: world.path('a/m.png'), from: world.path('a/.m.tmp') },
      { kind: 'write', path: world.path('a/m.metadata.json'), data: '{"preview":"new"}' }
    ]
  },
  'write, large and small and new': {
    lay: { 'a/big.metadata.json': 'b'.repeat(1_100_000), 'a/small.metadata.json': 'old' },
    rewrites: true,
    steps: (world) => [
      { kind: 'write', path: world.path('a/big.metadata.json'), data: 'not big' },
      { kind: 'write', path: world.path('a/small.metadata.json'), data: 'new', expected: { size: 3, mtimeMs: 1_500_000_003_000 } },
      { kind: 'write', path: world.path('new/first.metadata.json'), data: 'first', expected: 'absent' }
    ]
  }
}

function operation (scenario: Scenario, world: World): Operation {
  return { id: ID, kind: 'move', route: 'test', summary: 'test', units: [{ key: 'm', label: 'm', steps: scenario.steps(world) }] }
}

/** Lays the files and lets the process run against a disk with faults; true when the fault struck. */
function begin (dir: string, scenario: Scenario): World {
  const world = createWorld(`${dir}/library`)
  world.lay(scenario.lay)
  scenario.prepare?.(world)
  return world
}

function diskWith (world: World, scenario: Scenario, faults: Faults): ReturnType<typeof createFaultyDisk> {
  const volumes = scenario.volumes?.(world)
  return createFaultyDisk({ ...faults, ...(volumes ? { volumes } : {}), onCrash: () => { world.crash() } })
}

async function attempt (work: () => Promise<OperationResult>): Promise<OperationResult | null> {
  try {
    return await work()
  } catch {
    return null
  }
}

/** Runs to the end without a fault: what new looks like, and how many calls it takes. */
async function goldenRun (dir: string, scenario: Scenario, hardLinks: boolean): Promise<{ before: Record<string, string>, after: Record<string, string>, calls: number }> {
  const world = createWorld(`${dir}/library`)
  world.lay(scenario.lay)
  const before = world.tree()
  scenario.prepare?.(world)
  const faulty = diskWith(world, scenario, { hardLinks })
  const result = await world.journal(faulty.disk).run(operation(scenario, world))
  if (result.state !== 'done') throw new Error(JSON.stringify(result))
  return { before, after: world.tree(), calls: faulty.calls() }
}

async function settle (world: World, disk: JournalDisk): Promise<void> {
  const journal = world.journal(disk)
  await journal.recover()
  const again = await journal.recover()
  if (again.operations.length > 0) throw new Error(`not settled: ${JSON.stringify(again)}`)
}

for (const [name, scenario] of Object.entries(scenarios)) {
  for (const hardLinks of [true, false]) {
    t.test(`${name} ${hardLinks ? 'with' : 'without'} hard links is all old or all new at every fault point`, async (t) => {
      const dir = t.testdir({})
      const { before, after, calls } = await goldenRun(dir, scenario, hardLinks)
      const seen = { old: 0, new: 0 }
      const wrong: unknown[] = []
      for (const how of errnos) {
        for (let at = 1; at <= calls; at++) {
          const world = begin(dir, scenario)
          const faulty = diskWith(world, scenario, { at, how, hardLinks })
          const result = await attempt(() => world.journal(faulty.disk).run(operation(scenario, world)))
          const point = `${how} at ${at} (${faulty.names()[at - 1]})`
          if (result === null || result.state === 'interrupted') await settle(world, diskWith(world, scenario, { hardLinks }).disk)
          if (result === null && how === 'crash') discardUnowned(world, scenario)
          const found = world.tree()
          const isNew = same(withoutManifest(found), withoutManifest(after))
          if (!isNew && !same(found, before)) wrong.push({ point, found })
          if (result !== null && result.state !== 'interrupted' && result.units[0]?.ok !== isNew) wrong.push({ point, result })
          seen[isNew ? 'new' : 'old']++
        }
      }
      t.same(wrong, [], 'every point ends in one of both, and the answer says which')
      t.ok(seen.old > 0 && seen.new > 0, `both ends were seen: ${JSON.stringify(seen)}`)
    })
  }
}

/** A crash before the intent leaves the caller's temporary file to the clean-up of the next start. */
function discardUnowned (world: World, scenario: Scenario): void {
  if (!scenario.prepare || world.journal().operations({ limit: 1 }).items.length > 0) return
  mkdirSync(world.path('a'), { recursive: true })
  const { unlinkSync } = process.getBuiltinModule('node:fs')
  unlinkSync(world.path('a/.m.tmp'))
}

/** On a full disk files can be trashed, if without the manifest. */
function withoutManifest (tree: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(tree).filter(([name]) => !name.endsWith('manifest.json')))
}

function same (a: Record<string, string>, b: Record<string, string>): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

for (const hardLinks of [true, false]) {
  t.test(`a crash during recovery from a crash changes nothing about it, ${hardLinks ? 'with' : 'without'} hard links`, async (t) => {
    const dir = t.testdir({})
    for (const scenario of [move, scenarios['replace preview'] ?? move]) {
      const { before, after, calls } = await goldenRun(dir, scenario, hardLinks)
      let nested = 0
      const wrong: unknown[] = []
      for (let at = 1; at <= calls; at += 2) {
        for (let second = 1; second < 200; second += 3) {
          const world = begin(dir, scenario)
          await attempt(() => world.journal(diskWith(world, scenario, { at, how: 'crash', hardLinks }).disk).run(operation(scenario, world)))
          const recovering = diskWith(world, scenario, { at: second, how: 'crash', hardLinks })
          const crashedAgain = await world.journal(recovering.disk).recover().then(() => recovering.calls() >= second, () => true)
          await settle(world, diskWith(world, scenario, { hardLinks }).disk)
          discardUnowned(world, scenario)
          const found = world.tree()
          if (!same(found, after) && !same(found, before)) wrong.push({ at, second, found })
          if (!crashedAgain) break
          nested++
        }
      }
      t.same(wrong, [])
      t.ok(nested > 10, `${nested} recoveries crashed`)
    }
  })

  t.test(`an undo is whole or not begun at every fault point, and can be asked for again, ${hardLinks ? 'with' : 'without'} hard links`, async (t) => {
    const dir = t.testdir({})
    for (const scenario of Object.values(scenarios)) {
      const { before, after } = await goldenRun(dir, scenario, hardLinks)
      let at = 0
      const wrong: unknown[] = []
      for (let struck = true; struck;) {
        at++
        for (const how of ['crash', 'EIO']) {
          const world = begin(dir, scenario)
          await world.journal(diskWith(world, scenario, { hardLinks }).disk).run(operation(scenario, world))
          const faulty = diskWith(world, scenario, { at, how, hardLinks })
          const result = await attempt(() => world.journal(faulty.disk).undo(ID))
          struck = faulty.calls() >= at
          const clean = diskWith(world, scenario, { hardLinks }).disk
          if (result === null || result.state === 'interrupted') await settle(world, clean)
          const found = world.tree()
          const point = `${how} at ${at} (${faulty.names()[at - 1]})`
          if (!same(found, before) && !same(found, after)) wrong.push({ point, found })
          const journal = world.journal(clean)
          const state = journal.operation(ID).state
          if (state !== (same(found, before) ? 'undone' : 'done')) wrong.push({ point, state })
          if (state === 'done') {
            await journal.undo(ID)
            if (!same(world.tree(), before)) wrong.push({ point, 'at the second try': world.tree() })
          }
        }
      }
      t.same(wrong, [], 'every point ends in one of both, the operation knows which, and a second try ends it')
      t.ok(at > 5, 'there were points')
    }
  })

  t.test(`a file that appears at the target in the middle is never overwritten, ${hardLinks ? 'with' : 'without'} hard links`, async (t) => {
    const dir = t.testdir({})
    const wrong: unknown[] = []
    let appearances = 0
    for (const content of ['foreign', '']) {
      for (const [name, target] of [['move', 'b/c/m.png'], ['move', 'b/c/m.metadata.json'], ['rename', 'a/n.safetensors'], ['move across volumes', 'b/c/m.safetensors']] as const) {
        const scenario = scenarios[name] ?? move
        const { calls, after } = await goldenRun(dir, scenario, hardLinks)
        for (let at = 1; at <= calls; at++) {
          const world = begin(dir, scenario)
          let appeared = false
          const act = async (): Promise<void> => {
            try {
              mkdirSync(dirname(world.path(target)), { recursive: true })
              writeFileSync(world.path(target), content, { flag: 'wx' })
              appeared = true
            } catch {
              appeared = false
            }
          }
          const faulty = diskWith(world, scenario, { hardLinks, before: { at, act } })
          const result = await world.journal(faulty.disk).run(operation(scenario, world))
          const point = `before ${at} (${faulty.names()[at - 1]}), ${target}`
          const read = (file: string): string => readFileSync(world.path(file), 'utf8')
          if (!appeared) {
            if (!same(world.tree(), after)) wrong.push({ point, found: world.tree() })
            continue
          }
          appearances++
          const kept = Object.entries(scenario.lay).every(([file, bytes]) => read(file) === bytes)
          if (result.units[0]?.ok !== false || read(target) !== content || !kept) wrong.push({ point, result, found: world.tree() })
        }
      }
    }
    t.same(wrong, [], 'it stays as it is and the unit as before')
    t.ok(appearances > 40, `it appeared ${appearances} times in time`)
  })
}
