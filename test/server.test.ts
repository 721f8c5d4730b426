import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { makeLibrary } from '../bench/library.ts'
import { sourceArguments } from './helpers/source-arguments.ts'

const root = join(import.meta.dirname, '..')
const WITHIN = 30_000

interface Run { child: ChildProcess, output (): string, ended: Promise<number | null> }

function run (t: Test, args: readonly string[], env: NodeJS.ProcessEnv = {}): Run {
  const child = spawn(process.execPath, [...sourceArguments, join(root, 'server.ts'), ...args], { env: { PATH: process.env.PATH, HOME: t.testdirName, ...env } })
  const chunks: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return { child, ended, output: () => Buffer.concat(chunks).toString('utf8') }
}

async function listening ({ output, child }: Run): Promise<string> {
  const deadline = Date.now() + WITHIN
  for (;;) {
    const base = /listening on (http:\/\/[^"]+)"/.exec(output())?.[1]
    if (base !== undefined) return base
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`it does not listen: ${output()}`)
    await delay(20)
  }
}

async function until<Value> (ask: () => Promise<Value | undefined>): Promise<Value> {
  const deadline = Date.now() + WITHIN
  for (;;) {
    const value = await ask()
    if (value !== undefined) return value
    if (Date.now() > deadline) throw new Error('it did not come')
    await delay(20)
  }
}

t.test('with nothing configured it starts, says what to do, answers, and closes on SIGTERM', async (t) => {
  const home = t.testdir()
  const server = run(t, ['--port', '0'])
  const base = await listening(server)
  t.match(base, /^http:\/\/127\.0\.0\.1:\d+$/)
  await until(async () => /No model folders are configured yet/.test(server.output()) || undefined)
  const list = await fetch(`${base}/api/lm/loras/list`)
  t.equal(list.status, 200)
  t.match(await list.json(), { items: [], total: 0 })
  t.ok(existsSync(join(home, '.config', 'modelshelf')), 'the settings directory was made')
  for (const line of server.output().trim().split('\n')) t.type(JSON.parse(line), 'object', 'the log is JSON away from a terminal')

  const second = run(t, ['--port', '0'])
  t.equal(await second.ended, 3, 'a second one on the same settings directory gives way')
  t.match(second.output(), /^modelshelf: modelshelf already runs on this settings directory[^\n]*\n$/m)

  const taken = run(t, ['--port', new URL(base).port, '--settings', join(home, 'other')])
  t.equal(await taken.ended, 3)
  t.match(taken.output(), /modelshelf: The port is in use[^\n]*\n$/)

  server.child.kill('SIGTERM')
  t.equal(await server.ended, 0)
})

t.test('a models folder given at the start is recognised and listed, and never saved', async (t) => {
  const home = t.testdir()
  makeLibrary({ directory: join(home, 'models'), models: 30, seed: 5, previews: 0 })
  const server = run(t, ['--port', '0', '--models', join(home, 'models')])
  const base = await listening(server)
  const total = await until(async () => {
    const { total } = await (await fetch(`${base}/api/lm/loras/list`)).json() as { total: number }
    return total > 0 ? total : undefined
  })
  t.equal(total, 30)
  server.child.kill('SIGINT')
  t.equal(await server.ended, 0)
  const settings = join(home, '.config', 'modelshelf', 'settings.json')
  t.notMatch(existsSync(settings) ? readFileSync(settings, 'utf8') : '', 'models')
})

t.test("ComfyUI's extra_model_paths.yaml is merged into the saved folders", async (t) => {
  const home = t.testdir({
    a: {},
    comfy: { loras: {}, unet: {} },
    'extra.yaml': 'comfyui:\n  base_path: comfy\n  loras: loras\n  diffusion_models: unet\n  vae: vae\n',
    settings: {}
  })
  const settings = join(home, 'settings')
  const args = ['--port', '0', '--settings', settings, '--import-extra-model-paths', join(home, 'extra.yaml')]
  for (const times of ['once', 'twice']) {
    const server = run(t, args)
    await listening(server)
    server.child.kill('SIGTERM')
    t.equal(await server.ended, 0)
    const saved = JSON.parse(readFileSync(join(settings, 'settings.json'), 'utf8')) as { folder_paths: unknown }
    t.same(saved.folder_paths, { loras: [join(home, 'comfy/loras')], unet: [join(home, 'comfy/unet')] }, times)
  }
})

t.test('a new access token takes the place of the former one, whether the server runs or not', async (t) => {
  const settings = t.testdir()
  const args = ['--settings', settings, '--host', '0.0.0.0', '--port', '0']
  const statusWith = async (server: Run, token: string): Promise<number> => {
    const { port } = new URL(await listening(server))
    return (await fetch(`http://127.0.0.1:${port}/api/v1/jobs`, { headers: { authorization: `Bearer ${token}` } })).status
  }
  const newToken = async (): Promise<string> => {
    const command = run(t, ['token', '--settings', settings])
    t.equal(await command.ended, 0, command.output())
    t.match(command.output(), /^The new access token, shown only now\./m)
    return /^[\w-]{43}$/m.exec(command.output())?.[0] ?? ''
  }
  const server = run(t, args)
  const first = await until(async () => /Access token \(shown only now\): (\S+)/.exec(server.output())?.[1])
  t.equal(await statusWith(server, first), 200)
  t.equal(await statusWith(server, 'another'), 401)
  const second = await newToken()
  t.equal(await statusWith(server, first), 401, 'the former one is void')
  t.equal(await statusWith(server, second), 200, 'the running server knows the new one')
  server.child.kill('SIGTERM')
  t.equal(await server.ended, 0)

  const third = await newToken()
  const again = run(t, args)
  t.equal(await statusWith(again, second), 401)
  t.equal(await statusWith(again, third), 200)
  t.notMatch(again.output(), 'Access token', 'no other one was made')
  t.notMatch(server.output() + again.output(), third)
})

t.test('help and version need no server; a wrong command line is one line and exit code 2', async (t) => {
  t.testdir()
  const [help, version, wrong, unknown] = [run(t, ['--help']), run(t, ['--version']), run(t, ['--nonsense']), run(t, ['tokens'])]
  t.same(await Promise.all([help.ended, version.ended, wrong.ended, unknown.ended]), [0, 0, 2, 2])
  t.match(unknown.output(), /^modelshelf: There is no command "tokens"[^\n]*\n$/)
  t.match(help.output(), '--import-extra-model-paths FILE')
  t.equal(version.output(), `${(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version}\n`)
  t.match(wrong.output(), /^modelshelf: [^\n]*--nonsense[^\n]*\n$/)
})
