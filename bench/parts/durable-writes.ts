import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeFileAtomic } from '../../services/files/atomic-write.ts'
import { createStateDatabase } from '../../services/database/state.ts'
import { createJournal } from '../../services/journal/journal.ts'
import { atMost, median, type Measurement } from '../measurement.ts'
import type { BenchContext } from './context.ts'

const WRITES = 400
const TIMES_BARE = 3
const quiet = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined }

/**
 * What it costs that a write survives a crash at any point and can be undone: copies of real sidecars rewritten through the
 * journal, in turns with the same bytes written, synced and renamed by hand. No server, no request, no index.
 */
export async function durableWrites ({ scratch, models }: BenchContext, sidecars: readonly string[]): Promise<Measurement> {
  const root = join(scratch, 'durable-writes')
  mkdirSync(root)
  const state = createStateDatabase(join(root, 'settings'), quiet)
  try {
    const journal = createJournal({ state, logger: quiet, roots: () => [{ path: root }] })
    const files = sidecars.slice(0, WRITES).map((sidecar, n) => {
      const path = join(root, `${n}.metadata.json`)
      writeFileSync(path, readFileSync(sidecar))
      return path
    })
    const journaled: number[] = []
    const bare: number[] = []
    for (let n = 0; n < WRITES; n++) {
      const path = files[n % files.length] as string
      const before = readFileSync(path)
      const { size, mtimeMs } = statSync(path)
      const data = Buffer.concat([before, Buffer.from('\n')])
      const began = performance.now()
      const { units } = await journal.run({
        kind: 'edit', route: 'bench', summary: 'measured', units: [{ key: path, label: path, steps: [{ kind: 'write', path, data, expected: { size, mtimeMs, data: before } }] }]
      })
      journaled.push(performance.now() - began)
      if (units[0]?.ok !== true) throw new Error(`the write failed: ${JSON.stringify(units)}`)
      const begun = performance.now()
      await writeFileAtomic(`${path}.bench`, data, { durable: true })
      bare.push(performance.now() - begun)
    }
    const [p50, reference] = [median(journaled), median(bare)]
    return { part: 'changes', name: 'journaled write of a sidecar, of write, fsync and rename', models, value: p50 / reference, unit: 'ratio', goal: atMost(TIMES_BARE), note: `${p50.toFixed(2)} ms; ${reference.toFixed(2)} ms bare` }
  } finally {
    state.close()
    rmSync(root, { recursive: true, force: true })
  }
}
