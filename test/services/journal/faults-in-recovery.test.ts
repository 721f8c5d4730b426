import t from 'tap'
import { ID, attempt, begin, discardUnowned, diskWith, goldenRun, move, operation, quickDirectory, same, scenarios, settle } from './scenarios.ts'

for (const hardLinks of [true, false]) {
  t.test(`a crash during recovery from a crash changes nothing about it, ${hardLinks ? 'with' : 'without'} hard links`, async (t) => {
    const dir = quickDirectory(t)
    for (const scenario of [move, scenarios['replace preview'] ?? move]) {
      const { before, after, calls } = await goldenRun(dir, scenario, hardLinks)
      let nested = 0
      const wrong: unknown[] = []
      for (let at = 1; at <= calls; at += 3) {
        for (let second = 1; second < 200; second += 4) {
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
    const dir = quickDirectory(t)
    for (const scenario of Object.values(scenarios)) {
      const { before, after } = await goldenRun(dir, scenario, hardLinks)
      // every other point, the odd ones with links and the even ones without
      let at = hardLinks ? -1 : 0
      const wrong: unknown[] = []
      for (let struck = true; struck;) {
        at += 2
        for (const how of at % 3 === 0 ? ['crash', 'EIO'] : ['crash']) {
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
}
