import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { createWatcher, type Watcher } from '../../../services/models/watcher.ts'
import { silent, until } from '../../helpers/scan-bench.ts'

function watching (t: { teardown (work: () => void): void }): { directories: string[], told: string[], watcher: Watcher } {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'watcher-')))
  const directories = Array.from({ length: 200 }, (_, index) => join(root, `d${index}`))
  for (const directory of directories) mkdirSync(directory)
  const told: string[] = []
  const watcher = createWatcher({ onChange: (changed) => { told.push(...changed) }, onPoll: () => undefined, logger: silent, quietMs: 20 })
  t.teardown(() => {
    watcher.close()
    rmSync(root, { recursive: true, force: true })
  })
  return { directories, told, watcher }
}

/** Changes the directory again and again until it is told, since nobody says when its watch is set. */
async function changeUntilTold (directory: string, told: readonly string[]): Promise<void> {
  let round = 0
  await until(() => {
    writeFileSync(join(directory, `change-${round++}`), '')
    return told.includes(directory)
  }, `a change of ${directory}`)
}

t.test('a change in any of the directories is told, however many they are', async (t) => {
  const { directories, told, watcher } = watching(t)
  watcher.update(directories)
  for (const directory of [directories[0], directories[199]]) await changeUntilTold(directory as string, told)
  t.notOk(told.includes(directories[1] as string))
})

t.test('of two updates in a row the later one counts', async (t) => {
  const { directories, told, watcher } = watching(t)
  watcher.update(directories.slice(0, 150))
  watcher.update(directories.slice(150))
  await changeUntilTold(directories[199] as string, told)
  writeFileSync(join(directories[0] as string, 'change'), '')
  await changeUntilTold(directories[150] as string, told)
  t.notOk(told.includes(directories[0] as string), 'what was left out is not watched any more')
})
