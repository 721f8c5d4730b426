// Loaded into the server before itself (`--import`): at each SIGPIPE it writes how late timers were since the last one.
// Node ignores that signal, and the server ends at most others.
import { renameSync, writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'

const file = process.env.BENCH_LOOP_DELAY
const RESOLUTION_MS = 2
const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS)

if (file !== undefined) {
  histogram.enable()
  process.on('SIGPIPE', () => {
    writeFileSync(`${file}.new`, JSON.stringify({ p99: late(histogram.percentile(99)), longest: late(histogram.max) }))
    renameSync(`${file}.new`, file)
    histogram.reset()
  })
}
