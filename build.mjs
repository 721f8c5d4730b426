// Compiles the sources into dist/. With --if-stale it does so only when a source is newer than the last build,
// so that `npm start` costs nothing on the second run.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const here = import.meta.dirname
const stamp = join(here, 'dist', '.built')
const sources = ['app.ts', 'server.ts', 'plugins', 'routes', 'services', 'use-cases', 'bench', 'tsconfig.json', 'tsconfig.build.json', 'package.json', 'package-lock.json']

function newest (path) {
  if (!existsSync(path)) return 0
  const stats = statSync(path)
  if (!stats.isDirectory()) return stats.mtimeMs
  return Math.max(stats.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))))
}

const stale = !existsSync(stamp) || Math.max(...sources.map((name) => newest(join(here, name)))) > statSync(stamp).mtimeMs
if (process.argv.includes('--if-stale') && !stale) process.exit(0)

rmSync(join(here, 'dist'), { recursive: true, force: true })
const compiler = join(here, 'node_modules', 'typescript', 'bin', 'tsc')
const { status } = spawnSync(process.execPath, [compiler, '-p', join(here, 'tsconfig.build.json')], { stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)
writeFileSync(stamp, '')
