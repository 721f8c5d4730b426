// Runs the TypeScript sources as they are, in processes and worker threads: `node --import ./loader.mjs server.ts`.
// A file is transpiled once and kept until its source changes, so that tests, which start many processes, pay for it once.
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { register } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = import.meta.dirname
const kept = join(here, 'node_modules', '.cache', 'modelshelf-sources')

// The thread that loads modules evaluates this file once more.
if (!import.meta.url.endsWith('?hooks')) {
  process.setSourceMapsEnabled(true)
  register(`${import.meta.url}?hooks`)
}

/** Node's hook: answers the code of our own `.ts` files and leaves everything else to the next loader. */
export async function load (url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return await next(url, context)
  return { format: 'module', source: await codeOf(fileURLToPath(url)), shortCircuit: true }
}

async function codeOf (file) {
  const copy = join(kept, `${relative(here, file).replaceAll('..', '_')}.js`)
  if (isNewer(copy, file)) return readFileSync(copy)
  const { transformSync } = await import('esbuild')
  const { code } = transformSync(readFileSync(file, 'utf8'), {
    loader: 'ts', format: 'esm', target: 'es2023', sourcefile: file, sourcemap: 'inline', sourcesContent: false, tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } }
  })
  mkdirSync(dirname(copy), { recursive: true })
  // Several processes may do the same at the same time; each sees a whole file.
  const own = `${copy}.${process.pid}.${Date.now()}`
  writeFileSync(own, code)
  renameSync(own, copy)
  return code
}

function isNewer (copy, source) {
  const made = statSync(copy, { throwIfNoEntry: false })
  return made !== undefined && made.mtimeMs > statSync(source).mtimeMs
}
