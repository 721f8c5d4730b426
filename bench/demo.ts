import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serverFile, writeSettings } from './built-server.ts'
import { makeLibrary } from './library.ts'

const MODELS = 160
const SEED = 8

/** The server on a small library of its own with drawn previews, all in a temporary folder that goes when it ends. */
const directory = mkdtempSync(join(tmpdir(), 'modelshelf-demo-'))
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))

const library = join(directory, 'models')
const settings = join(directory, 'settings')
makeLibrary({ directory: library, models: MODELS, seed: SEED, previews: 0.92, ownPreviews: true })
writeSettings(settings, library)

const child = spawn(process.execPath, [serverFile, '--settings', settings, ...process.argv.slice(2)], { stdio: 'inherit' })
// A terminal sends its signals to both of us; one that is sent to us alone is handed on.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => { if (!process.stdin.isTTY) child.kill(signal) })
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)))
