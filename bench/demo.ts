import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serverFile, writeSettings } from './built-server.ts'
import { makeLibrary } from './library.ts'
import { makeRecipes } from './recipe-library.ts'

const MODELS = 160
const RECIPES = 40
const SEED = 8

/** The server on a small library of its own with drawn previews and recipes, all in a temporary folder that goes when it ends. */
const directory = mkdtempSync(join(tmpdir(), 'modelshelf-demo-'))
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))

const library = join(directory, 'models')
const settings = join(directory, 'settings')
const { samples } = makeLibrary({ directory: library, models: MODELS, seed: SEED, previews: 0.92, ownPreviews: true })
await makeRecipes({ directory: join(library, 'loras', 'recipes'), recipes: RECIPES, seed: SEED, samples, ownPictures: true })
writeSettings(settings, library)

const child = spawn(process.execPath, [serverFile, '--settings', settings, ...process.argv.slice(2)], { stdio: 'inherit' })
// Ctrl-C on a terminal reaches both of us, and a second one would end the server at once; every other signal is handed on.
process.on('SIGINT', () => { if (!process.stdin.isTTY) child.kill('SIGINT') })
for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill('SIGTERM'))
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)))
