import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import t from 'tap'
import { attempt, begin, discardUnowned, diskWith, goldenRun, move, operation, quickDirectory, same, scenarios, settle, withoutManifest } from './scenarios.ts'

const inTurns = ['ENOSPC', 'EACCES', 'EXDEV', 'EPERM']

/** An error and a crash strike at every point, the special errors take turns from point to point. */
const faultsAt = (turn: number): string[] => ['EIO', 'crash', inTurns[turn % inTurns.length] ?? 'EIO']

for (const [name, scenario] of Object.entries(scenarios)) {
  for (const hardLinks of [true, false]) {
    t.test(`${name} ${hardLinks ? 'with' : 'without'} hard links is all old or all new at every fault point`, async (t) => {
      const dir = quickDirectory(t)
      const { before, after, calls } = await goldenRun(dir, scenario, hardLinks)
      const seen = { old: 0, new: 0 }
      const wrong: unknown[] = []
      for (let at = 1; at <= calls; at++) {
        for (const how of faultsAt(at + Number(hardLinks))) {
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

for (const hardLinks of [true, false]) {
  t.test(`a file that appears at the target in the middle is never overwritten, ${hardLinks ? 'with' : 'without'} hard links`, async (t) => {
    const dir = quickDirectory(t)
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
