import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { sourceArguments } from '../../helpers/source-arguments.ts'

const run = promisify(execFile)
const source = pathToFileURL(join(import.meta.dirname, '../../../services/start/hold-tick-shape.ts')).href

t.test('queued ticks keep their shape through collections', async (t) => {
  const script = `
    import { executionAsyncResource } from 'node:async_hooks'
    import { setImmediate as nextTurn } from 'node:timers/promises'
    import { holdTickShape } from ${JSON.stringify(source)}
    const kept = new WeakRef(await holdTickShape())
    for (let i = 0; i < 4; i++) { await nextTurn(); gc() }
    const tick = await new Promise((resolve) => { process.nextTick(() => resolve(executionAsyncResource())) })
    console.log(JSON.stringify({ alive: kept.deref() !== undefined, same: kept.deref() !== undefined && %HaveSameMap(kept.deref(), tick) }))`
  const { stdout } = await run(process.execPath, [...sourceArguments, '--expose-gc', '--allow-natives-syntax', '--input-type=module', '--eval', script])
  t.strictSame(JSON.parse(stdout), { alive: true, same: true })
})
