import { existsSync, mkdirSync, mkdtempSync, rmSync, unlinkSync } from 'node:fs'
import type { Test } from 'tap'
import type { JournalDisk } from '../../../services/journal/disk.ts'
import type { Operation, OperationResult } from '../../../services/journal/types.ts'
import { createFaultyDisk, ignoringCase } from './faulty-disk.ts'
import type { Faults } from './faulty-disk.ts'
import { createWorld } from './world.ts'
import type { World } from './world.ts'

export const ID = '0123456789abcdef0123456789abcdef'
export interface Scenario {
  lay: Record<string, string>
  steps (world: World): Operation['units'][number]['steps']
  /** Before the intent, what the caller does. */
  prepare? (world: World): void
  volumes?: (world: World) => string[]
  base?: JournalDisk
}

const set = { 'a/m.safetensors': 'weights', 'a/m.png': 'picture', 'a/m.metadata.json': '{"file_path":"a"}', 'a/other.safetensors': 'other' }

export const move: Scenario = {
  lay: set,
  steps: (world) => [
    { kind: 'move', from: world.path('a/m.safetensors'), to: world.path('b/c/m.safetensors') },
    { kind: 'move', from: world.path('a/m.png'), to: world.path('b/c/m.png') },
    { kind: 'move', from: world.path('a/m.metadata.json'), to: world.path('b/c/m.metadata.json') },
    { kind: 'write', path: world.path('b/c/m.metadata.json'), data: '{"file_path":"b/c"}' }
  ]
}

export const scenarios: Record<string, Scenario> = {
  move,
  'move across volumes': {
    ...move,
    lay: { ...set, 'b/there.txt': 'there' },
    volumes: (world) => [world.path('b')]
  },
  rename: {
    lay: set,
    steps: (world) => [
      { kind: 'move', from: world.path('a/m.png'), to: world.path('a/n.png') },
      { kind: 'move', from: world.path('a/m.safetensors'), to: world.path('a/n.safetensors') },
      { kind: 'move', from: world.path('a/m.metadata.json'), to: world.path('a/n.metadata.json') },
      { kind: 'write', path: world.path('a/n.metadata.json'), data: '{"file_path":"n"}' }
    ]
  },
  'change of case where names ignore it': {
    lay: set,
    base: ignoringCase(),
    steps: (world) => [
      { kind: 'move', from: world.path('a/m.safetensors'), to: world.path('a/M.safetensors') },
      { kind: 'move', from: world.path('a/m.metadata.json'), to: world.path('a/M.metadata.json') },
      { kind: 'write', path: world.path('a/M.metadata.json'), data: '{"file_path":"M"}' }
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
    prepare: (world) => { world.lay({ 'a/.m.tmp': 'new picture' }) },
    steps: (world) => [
      { kind: 'trash', path: world.path('a/m.png') },
      { kind: 'create', path: world.path('a/m.png'), from: world.path('a/.m.tmp') },
      { kind: 'write', path: world.path('a/m.metadata.json'), data: '{"preview":"new"}' }
    ]
  },
  'write, large and small and new': {
    lay: { 'a/big.metadata.json': 'b'.repeat(1_100_000), 'a/small.metadata.json': 'old' },
    steps: (world) => [
      { kind: 'write', path: world.path('a/big.metadata.json'), data: 'not big' },
      { kind: 'write', path: world.path('a/small.metadata.json'), data: 'new', expected: { size: 3, mtimeMs: 1_500_000_003_000 } },
      { kind: 'write', path: world.path('new/first.metadata.json'), data: 'first', expected: 'absent' }
    ]
  }
}

/** In memory where the system has such a place: thousands of runs would wait for the disk. */
export function quickDirectory (t: Pick<Test, 'testdir' | 'teardown'>): string {
  if (!existsSync('/dev/shm')) return t.testdir({})
  const directory = mkdtempSync('/dev/shm/journal-')
  t.teardown(() => { rmSync(directory, { recursive: true, force: true }) })
  return directory
}

export function operation (scenario: Scenario, world: World): Operation {
  return { id: ID, kind: 'move', route: 'test', summary: 'test', units: [{ key: 'm', label: 'm', steps: scenario.steps(world) }] }
}

/** Lays the files and lets the process run against a disk with faults; true when the fault struck. */
export function begin (dir: string, scenario: Scenario): World {
  const world = createWorld(`${dir}/library`)
  world.lay(scenario.lay)
  scenario.prepare?.(world)
  return world
}

export function diskWith (world: World, scenario: Scenario, faults: Faults): ReturnType<typeof createFaultyDisk> {
  const volumes = scenario.volumes?.(world)
  return createFaultyDisk({ ...faults, ...(volumes ? { volumes } : {}), ...(scenario.base ? { base: scenario.base } : {}), onCrash: () => { world.crash() } })
}

export async function attempt (work: () => Promise<OperationResult>): Promise<OperationResult | null> {
  try {
    return await work()
  } catch {
    return null
  }
}

/** Runs to the end without a fault: what new looks like, and how many calls it takes. */
export async function goldenRun (dir: string, scenario: Scenario, hardLinks: boolean): Promise<{ before: Record<string, string>, after: Record<string, string>, calls: number }> {
  const world = createWorld(`${dir}/library`)
  world.lay(scenario.lay)
  const before = world.tree()
  scenario.prepare?.(world)
  const faulty = diskWith(world, scenario, { hardLinks })
  const result = await world.journal(faulty.disk).run(operation(scenario, world))
  if (result.state !== 'done') throw new Error(JSON.stringify(result))
  return { before, after: world.tree(), calls: faulty.calls() }
}

export async function settle (world: World, disk: JournalDisk): Promise<void> {
  const journal = world.journal(disk)
  await journal.recover()
  const again = await journal.recover()
  if (again.operations.length > 0) throw new Error(`not settled: ${JSON.stringify(again)}`)
}

/** A crash before the intent leaves the caller's temporary file to the clean-up of the next start. */
export function discardUnowned (world: World, scenario: Scenario): void {
  if (!scenario.prepare || world.journal().operations({ limit: 1 }).items.length > 0) return
  mkdirSync(world.path('a'), { recursive: true })
  unlinkSync(world.path('a/.m.tmp'))
}

/** On a full disk files can be trashed, if without the manifest. */
export function withoutManifest (tree: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(tree).filter(([name]) => !name.endsWith('manifest.json')))
}

export function same (a: Record<string, string>, b: Record<string, string>): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
