// Runs the TypeScript sources as they are, in processes and worker threads: `node --import ./loader.mjs server.ts`.
// A file is transpiled once and kept until its source changes, so that tests, which start many processes, pay for it once.
// What a worker thread runs is one file and needs no loader of its own: threads are started even more often.
// Run by itself it transpiles everything at once.
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { register } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const here = import.meta.dirname
const kept = join(here, 'node_modules', '.cache', 'modelshelf-sources')
const common = { format: 'esm', target: 'es2023', sourcemap: 'inline', sourcesContent: false, tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } } }

// The thread that loads modules evaluates this file once more.
if (process.argv[1] === import.meta.filename) {
  await transpileAll()
} else if (!import.meta.url.endsWith('?hooks')) {
  process.setSourceMapsEnabled(true)
  register(`${import.meta.url}?hooks`)
}

/** Node's hook: the module of a worker is its bundle. */
export async function resolve (specifier, context, next) {
  if (!specifier.startsWith('file:') || !specifier.endsWith('.worker.ts')) return await next(specifier, context)
  return { url: pathToFileURL(await bundleOf(fileURLToPath(specifier))).href, format: 'module', shortCircuit: true }
}

/** Node's hook: answers the code of our own `.ts` files and leaves everything else to the next loader. */
export async function load (url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return await next(url, context)
  return { format: 'module', source: await codeOf(fileURLToPath(url)), shortCircuit: true }
}

async function transpileAll () {
  const folders = ['plugins', 'routes', 'services', 'use-cases', 'bench', 'test'].flatMap((folder) => readdirSync(join(here, folder), { recursive: true }).map((name) => join(here, folder, name)))
  for (const file of ['app.ts', 'server.ts'].map((name) => join(here, name)).concat(folders)) {
    if (file.endsWith('.ts')) await codeOf(file)
    if (file.endsWith('.worker.ts')) await bundleOf(file)
  }
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
