import { existsSync, unlinkSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { newOperationId } from '../../../services/journal/journal.ts'
import type { Step } from '../../../services/journal/types.ts'
import { createFaultyDisk } from './faulty-disk.ts'
import { quickDirectory } from './scenarios.ts'
import { createWorld } from './world.ts'
import type { World } from './world.ts'

const files = {
  'a/m.safetensors': 'weights',
  'a/m.metadata.json': '{}',
  'a/m.webp': 'picture',
  'a/n.safetensors': 'other',
  'b/o.safetensors': 'third',
  'b/o.metadata.json': 'b'.repeat(1_100_000),
  'c/d/p.safetensors': ''
}
const places = [...Object.keys(files), 'a/x', 'b/x', 'c/x', 'new/x', 'new/deep/y', 'c/d/z']
const directories = ['a', 'b', 'c', 'c/d', 'new', 'new/deep', 'empty']

const step = fc.record({
  kind: fc.constantFrom('move', 'move', 'move and write', 'trash', 'write', 'create', 'mkdir', 'rmdir'),
  from: fc.nat(places.length - 1),
  to: fc.nat(places.length - 1),
  size: fc.constantFrom(0, 5, 1_050_000)
})

function stepsFor (world: World, choice: { kind: string, from: number, to: number, size: number }, n: number): Step[] {
  const from = world.path(places[choice.from] ?? '')
  const to = world.path(places[choice.to] ?? '')
  const directory = world.path(directories[choice.to % directories.length] ?? '')
  const data = `${n} `.repeat(choice.size).slice(0, choice.size)
  switch (choice.kind) {
    case 'move': return [{ kind: 'move', from, to }]
    case 'move and write': return [{ kind: 'move', from, to }, { kind: 'write', path: to, data }]
    case 'trash': return [{ kind: 'trash', path: from }]
    case 'write': return [{ kind: 'write', path: to, data }]
    case 'create': {
      const temporary = `${to}.temporary`
      world.lay({ [temporary.slice(world.root.length + 1)]: data })
      return [{ kind: 'create', path: to, from: temporary }]
    }
    case 'mkdir': return [{ kind: 'mkdir', path: directory }]
    default: return [{ kind: 'rmdir', path: directory }]
  }
}

for (const hardLinks of [true, false]) {
  t.test(`any operations, undone in reverse order, give back the very tree, ${hardLinks ? 'with' : 'without'} hard links`, async (t) => {
    const root = `${quickDirectory(t)}/library`
    const seen: Record<string, number> = {}
    await fc.assert(fc.asyncProperty(fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 }), async (operations) => {
      const world = createWorld(root)
      world.lay(files)
      for (const directory of directories.filter((name) => name.startsWith('new'))) world.lay({ [`${directory}/.keep`]: 'k' })
      const before = JSON.stringify(world.tree())
      const journal = world.journal(createFaultyDisk({ hardLinks }).disk)
      const done: string[] = []
      for (const [n, choices] of operations.entries()) {
        const units = choices.map((choice, index) => ({ key: String(index), label: choice.kind, steps: stepsFor(world, choice, n) }))
        const id = newOperationId()
        try {
          const { state } = await journal.run({ id, kind: 'organize', route: 'test', summary: 'random', units })
          seen[state] = (seen[state] ?? 0) + 1
          if (state === 'done' || state === 'partial') done.push(id)
        } catch (error) {
          // chains within one operation are refused as a whole; the temporary files are the caller's then
          if ((error as { code?: string }).code !== 'invalid-operation') throw error
          for (const choice of units.flatMap((unit) => unit.steps)) {
            if (choice.kind === 'create' && existsSync(choice.from)) unlinkSync(choice.from)
          }
        }
      }
      for (const id of done.reverse()) await journal.undo(id)
      // large files that operations made are in the trash of their undo
      await journal.trash.empty()
      return JSON.stringify(world.tree()) === before
    }), { numRuns: 150 })
    t.comment(JSON.stringify(seen))
    t.ok((seen['done'] ?? 0) > 50 && (seen['partial'] ?? 0) > 10, `of every kind: ${JSON.stringify(seen)}`)
  })
}
