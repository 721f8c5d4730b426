// Bundles the sources into dist/: a start then reads a few files instead of a thousand, which saves half of its time, and has
// the runtime compile the server beforehand, which saves a third of the rest.
// Types are checked by `npm run typecheck`. With --if-stale it does so only when a source is newer than the last build,
// so that `npm start` costs nothing on the second run; --outdir NAME builds into another folder beside the sources.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'

const here = import.meta.dirname
const { values } = parseArgs({ options: { 'if-stale': { type: 'boolean', default: false }, outdir: { type: 'string', default: 'dist' } } })
const out = join(here, values.outdir)
const stamp = join(out, '.built')
const sources = ['app.ts', 'server.ts', 'plugins', 'routes', 'services', 'use-cases', 'bench', 'build.mjs', 'package.json', 'package-lock.json']

function newest (path) {
  if (!existsSync(path)) return 0
  const stats = statSync(path)
  if (!stats.isDirectory()) return stats.mtimeMs
  return Math.max(stats.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))))
}

const stale = !existsSync(stamp) || Math.max(...sources.map((name) => newest(join(here, name)))) > statSync(stamp).mtimeMs
if (values['if-stale'] && !stale) process.exit(0)

const filesBelow = (folder) => readdirSync(join(here, folder), { recursive: true }).map((name) => join(folder, name))

/** Sources ask where they are to find workers and files of ours: each keeps the place it would have by itself. */
const ownPlaces = {
  name: 'own-places',
  setup ({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8')
      if (path.includes('node_modules') || !text.includes('import.meta.')) return undefined
      const place = `new URL(${JSON.stringify(relative(here, path).replaceAll('\\', '/').replace(/\.ts$/, '.js'))}, builtFolder)`
      return { loader: 'ts', contents: text.replaceAll('import.meta.url', `${place}.href`).replaceAll('import.meta.dirname', `dirnameOfBuilt(fileURLToPathOfBuilt(${place}))`) }
    })
  }
}

const moduleBanner = `import { createRequire as createRequireOfBuilt } from 'node:module'
import { dirname as dirnameOfBuilt } from 'node:path'
import { fileURLToPath as fileURLToPathOfBuilt } from 'node:url'
const require = createRequireOfBuilt(import.meta.url)
const builtFolder = import.meta.url.slice(0, import.meta.url.lastIndexOf('/${values.outdir}/') + ${values.outdir.length + 2})`

/** A script that gets what it needs of its surroundings; see services/start/launch/open-bundle.mjs. */
const scriptBanner = `(function (require, builtFolder) {
const { dirname: dirnameOfBuilt } = require('node:path')
const { fileURLToPath: fileURLToPathOfBuilt } = require('node:url')
const __filename = fileURLToPathOfBuilt(new URL('server.cjs', builtFolder)), __dirname = dirnameOfBuilt(__filename)
const exports = {}, module = { exports }`

const options = {
  absWorkingDir: here,
  outdir: out,
  outbase: here,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  // Names stay, for the stacks in the log.
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 160,
  // Native modules load binaries that lie beside them; others find files or threads of their own, or are seldom used.
  external: ['better-sqlite3', 'sharp', 'pino-pretty', 'autocannon', 'esbuild', 'undici'],
  plugins: [ownPlaces],
  logLevel: 'warning'
}

async function bundleModules (entryPoints, chunks) {
  await build({ ...options, entryPoints, chunkNames: `${chunks}/[name]-[hash]`, splitting: true, format: 'esm', banner: { js: moduleBanner } })
}

/** The server in one text, since only a script can be compiled beforehand. */
async function bundleServer () {
  await build({
    ...options,
    entryPoints: ['server.ts'],
    outExtension: { '.js': '.cjs' },
    format: 'cjs',
    banner: { js: scriptBanner },
    footer: { js: '})' },
    supported: { 'dynamic-import': false },
    // Only sources ask where another source lies.
    logOverride: { 'empty-import-meta': 'silent' }
  })
  await build({ ...options, entryPoints: { server: 'services/start/launch/server.mjs' }, format: 'esm', plugins: [] })
}

/** A server without it starts, too, only later. */
function compileServer () {
  const { scripts } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'))
  const runtimeOptions = scripts.start.split(' ').filter((word) => word.startsWith('--'))
  const { status } = spawnSync(process.execPath, [...runtimeOptions, join(here, 'services', 'start', 'launch', 'make-code-cache.mjs'), out], { stdio: ['ignore', 'ignore', 'inherit'], timeout: 60_000 })
  if (status !== 0) process.stderr.write('The server could not be compiled beforehand; its starts will take longer.\n')
}

rmSync(out, { recursive: true, force: true })
await bundleServer()
await bundleModules(filesBelow('services').filter((name) => name.endsWith('.worker.ts')), 'chunks')
await bundleModules(filesBelow('bench').filter((name) => name.endsWith('.ts')), 'bench-chunks')
compileServer()
writeFileSync(stamp, '')
