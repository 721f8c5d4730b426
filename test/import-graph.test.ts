import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

const root = join(import.meta.dirname, '..')
const places = ['app.ts', 'server.ts', 'plugins', 'routes', 'services', 'use-cases'].filter((place) => existsSync(join(root, place)))

function cruise (directory: string, targets: readonly string[]): { status: number | null, output: string } {
  const cli = join(root, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs')
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, '--config', join(root, '.dependency-cruiser.cjs'), ...targets], { cwd: directory, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } })
  return { status, output: stdout + stderr }
}

t.test('the import graph of the sources is the one that the design draws', async (t) => {
  const { status, output } = cruise(root, places)
  t.equal(status, 0, output)
  t.match(output, /no dependency violations found/)
})

t.test('an import against the arrows is found', async (t) => {
  // Inside the checkout, so that the configuration resolves packages and paths as it does for the sources.
  const stray = join(root, 'services', `stray-${process.pid}`)
  t.teardown(() => rmSync(stray, { recursive: true, force: true }))
  mkdirSync(stray)
  writeFileSync(join(stray, 'stray.ts'), "import sharp from 'sharp'\nimport '../../server.ts'\nexport default sharp\n")
  const { status, output } = cruise(root, ['--max-depth', '1', stray.slice(root.length + 1)])
  t.not(status, 0)
  t.match(output, 'sharp-only-in-images')
  t.match(output, 'services-stand-alone')
})

t.test('packages that services load late stay outside the bundles of threads, where their named exports would be lost', async (t) => {
  const files = ['services', 'use-cases', 'bench'].flatMap((place) => readdirSync(join(root, place), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts')).map((name) => join(place, name)))
  const late = new Set(files.flatMap((file) => [...readFileSync(join(root, file), 'utf8').matchAll(/await import\('([^.'][^']*)'\)/g)].map(([, name]) => name)).filter((name) => name?.startsWith('node:') === false))
  const external = /external: \[([^\]]*)\]/.exec(readFileSync(join(root, 'build.mjs'), 'utf8'))?.[1] ?? ''
  t.ok(late.has('undici'))
  t.same([...late].filter((name) => !external.includes(`'${name}'`)), [])
})
