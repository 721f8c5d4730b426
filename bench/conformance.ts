import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { poll, projectDirectory, startBuiltServer, untilIdle } from './built-server.ts'
import { createTimedClient } from './http-client.ts'

/** The recorded answers were taken from the library of this seed. */
const SEED = '12'

/** Runs the conformance kit that may lie beside the checkout; every argument is handed on to its runner. */
async function conformance (): Promise<number> {
  const kit = join(projectDirectory, '..', 'shared', 'conformance')
  if (!existsSync(join(kit, 'run.mjs'))) {
    process.stdout.write('conformance: skipped, there is no kit beside the checkout\n')
    return 0
  }
  const directory = mkdtempSync(join(tmpdir(), 'modelshelf-conformance-'))
  const library = join(directory, 'library')
  const settings = join(directory, 'settings')
  try {
    const made = await runScript(join(kit, 'make-library.mjs'), ['--out', library, '--settings', settings, '--seed', SEED])
    if (made !== 0) return 2
    const server = await startBuiltServer({ settings })
    try {
      await untilAnswering(server.base, settings)
      await untilIdle(server.base)
      return await runScript(join(kit, 'run.mjs'), ['--base', server.base, '--library', library, ...process.argv.slice(2)])
    } finally {
      await server.stop()
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function untilAnswering (base: string, settings: string): Promise<void> {
  const client = createTimedClient(base)
  try {
    await poll('the server to answer', async () => (await client.get('/health/live')).status, { within: 20_000 })
  } catch (error) {
    process.stderr.write(readFileSync(join(settings, 'server.log'), 'utf8').slice(-4_000))
    throw error
  } finally {
    client.close()
  }
}

async function runScript (file: string, args: readonly string[]): Promise<number> {
  const [code] = await once(spawn(process.execPath, [file, ...args], { stdio: 'inherit' }), 'exit') as [number | null]
  return code ?? 2
}

process.exitCode = await conformance()
