// Runs the TypeScript sources as they are, in processes and worker threads: `node --import ./loader.mjs server.ts`.
// A file is transpiled once and kept until its source changes, so that tests, which start many processes, pay for it once.
// What a worker thread runs is one file and needs no loader of its own: threads are started even more often.
// Run by itself it bundles every test and the server, with the packages they use: a process that has one file to read starts
// in a third of the time. A bundle that is older than one of its sources is passed over.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { register } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const here = import.meta.dirname
const kept = join(here, 'node_modules', '.cache', 'modelshelf-sources')
const bundles = join(kept, 'bundles')
const common = { format: 'esm', target: 'es2023', sourcemap: 'inline', sourcesContent: false, tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } } }

// The thread that loads modules evaluates this file once more.
if (process.argv[1] === import.meta.filename) {
  await bundleAll()
} else if (!import.meta.url.endsWith('?hooks')) {
  process.setSourceMapsEnabled(true)
  register(`${import.meta.url}?hooks`)
}

/** Node's hook: the module of a worker is its bundle, and so is what a process begins with. */
export async function resolve (specifier, context, next) {
  if (!specifier.startsWith('file:') || !specifier.endsWith('.ts')) return await next(specifier, context)
  const file = fileURLToPath(specifier)
  const bundle = specifier.endsWith('.worker.ts') ? await bundleOf(file) : context.parentURL === undefined ? keptBundle(file) : undefined
  return bundle === undefined ? await next(specifier, context) : { url: pathToFileURL(bundle).href, format: 'module', shortCircuit: true }
}

/** Node's hook: answers the code of our own `.ts` files and leaves everything else to the next loader. */
export async function load (url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return await next(url, context)
  return { format: 'module', source: await codeOf(fileURLToPath(url)), shortCircuit: true }
}

async function bundleAll () {
  const files = ['services', 'test'].flatMap((folder) => readdirSync(join(here, folder), { recursive: true }).map((name) => join(folder, name)))
  const beginnings = ['server.ts', ...files.filter((file) => file.endsWith('.test.ts') || file.endsWith('-child.ts'))]
  for (const file of files) if (file.endsWith('.worker.ts')) await bundleOf(join(here, file))
  const { build } = await import('esbuild')
  const { devDependencies } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'))
  const outdir = `${bundles}.${process.pid}`
  const { metafile: { outputs } } = await build({
    ...common,
    absWorkingDir: here,
    entryPoints: beginnings,
    outdir,
    outbase: here,
    bundle: true,
    splitting: true,
    platform: 'node',
    sourcemap: 'linked',
    // Native modules load binaries that lie beside them; what is loaded late keeps its named exports outside only.
    external: ['better-sqlite3', 'sharp', 'pino', 'pino-pretty', 'undici', 'prom-client', ...Object.keys(devDependencies)],
    plugins: [{ name: 'own-places', setup: ({ onLoad }) => { onLoad({ filter: /\.ts$/ }, inItsPlace) } }],
    banner: { js: `import { createRequire as createRequireOfBundle } from 'node:module'\nconst require = createRequireOfBundle(${JSON.stringify(join(here, 'package.json'))})` },
    logLevel: 'warning',
    metafile: true
  })
  for (const [name, { entryPoint }] of Object.entries(outputs)) if (entryPoint !== undefined) writeFileSync(`${join(here, name)}.sources.json`, JSON.stringify(sourcesOf(outputs, name)))
  rmSync(bundles, { recursive: true, force: true })
  renameSync(outdir, bundles)
}

/** Where a source stands is written into the bundle: it finds what lies beside it as if it were there. */
function inItsPlace ({ path }) {
  const text = readFileSync(path, 'utf8')
  if (path.includes('node_modules') || !text.includes('import.meta.')) return undefined
  return { loader: 'ts', contents: text.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href)).replaceAll('import.meta.dirname', JSON.stringify(dirname(path))) }
}

/** Of a bundle and all pieces that it imports; packages change by an installation, which begins anew. */
function sourcesOf (outputs, name, seen = new Set()) {
  seen.add(name)
  const own = Object.keys(outputs[name].inputs).filter((input) => !input.includes('node_modules'))
  return own.concat(outputs[name].imports.flatMap(({ path }) => path in outputs && !seen.has(path) ? sourcesOf(outputs, path, seen) : []))
}

function keptBundle (file) {
  const bundle = join(bundles, relative(here, file).replace(/\.ts$/, '.js'))
  return isNewer(bundle, sourcesIn(`${bundle}.sources.json`)) ? bundle : undefined
}

async function codeOf (file) {
  const copy = copyOf(file)
  if (isNewer(copy, [file])) return readFileSync(copy)
  const { transformSync } = await import('esbuild')
  const { code } = transformSync(readFileSync(file, 'utf8'), { ...common, loader: 'ts', sourcefile: file })
  keep(copy, code)
  return code
}

async function bundleOf (file) {
  const copy = copyOf(file)
  const list = `${copy}.sources.json`
  if (isNewer(copy, sourcesIn(list))) return copy
  const { buildSync } = await import('esbuild')
  const { outputFiles: [output], metafile } = buildSync({ ...common, absWorkingDir: here, entryPoints: [file], bundle: true, packages: 'external', platform: 'node', write: false, metafile: true })
  keep(list, JSON.stringify(Object.keys(metafile.inputs)))
  keep(copy, output.contents)
  return copy
}

function copyOf (file) {
  return join(kept, `${relative(here, file).replaceAll('..', '_')}.js`)
}

function sourcesIn (list) {
  if (!statSync(list, { throwIfNoEntry: false })) return null
  return JSON.parse(readFileSync(list, 'utf8')).map((name) => join(here, name))
}

/** Several processes may do the same at the same time; each sees a whole file. */
function keep (copy, content) {
  mkdirSync(dirname(copy), { recursive: true })
  const own = `${copy}.${process.pid}.${Date.now()}`
  writeFileSync(own, content)
  renameSync(own, copy)
}

function isNewer (copy, sources) {
  const made = statSync(copy, { throwIfNoEntry: false })
  if (made === undefined || sources === null) return false
  return sources.every((source) => (statSync(source, { throwIfNoEntry: false })?.mtimeMs ?? Infinity) < made.mtimeMs)
}
