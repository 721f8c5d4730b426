import { mkdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { StartOptions } from './services/core.ts'
import { DomainError } from './services/errors.ts'
import { holdTickShape } from './services/start/hold-tick-shape.ts'
import { parseStartOptions, type StartRequest } from './services/start/parse-start-options.ts'
import type { TerminalProgress } from './services/start/terminal-progress.ts'

const surroundings = { platform: process.platform, home: homedir(), env: process.env }
const GRACE_MS = 5_000
/** Faults of the processor: whoever listens to them goes on after them for ever, so the system shall end the process. */
const FATAL_SIGNALS = ['SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV'] as const
/** Requests that take longer to end are cut off, so that the databases can still be closed. */
const REQUEST_GRACE_MS = 1_500

/** Exit codes: 1 a fault, 2 a wrong command line, 3 the settings directory or the port is in use by another process. */
function exitCodeOf (error: unknown): number {
  if (error instanceof DomainError) return error.code === 'bad-arguments' ? 2 : error.kind === 'conflict' ? 3 : 1
  return codeOf(error) === 'EADDRINUSE' ? 3 : 1
}

function codeOf (error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
}

/** What the user can act on is one line; a fault of ours keeps its stack. */
function explain (error: unknown): string {
  if (error instanceof DomainError) return error.message
  if (!(error instanceof Error)) return String(error)
  switch (codeOf(error)) {
    case 'EADDRINUSE': return 'The port is in use by another program; choose another one with --port'
    case 'EADDRNOTAVAIL': return 'This machine does not have the address given with --host'
    case 'EACCES': return `Not permitted: ${error.message}`
    default: return error.stack ?? error.message
  }
}

async function main (): Promise<void> {
  const request = parseStartOptions(process.argv.slice(2), surroundings)
  if (request.action === 'help') {
    const { usage } = await import('./services/start/usage.ts')
    process.stdout.write(usage())
  } else if (request.action === 'version') {
    process.stdout.write(`${await programVersion()}\n`)
  } else if (request.action === 'token') {
    await showNewToken(request.settingsDirectory)
  } else {
    await start(request)
  }
}

/** The token alone goes to the standard output, so that a script can take it from there. */
async function showNewToken (settingsDirectory: string): Promise<void> {
  mkdirSync(settingsDirectory, { recursive: true, mode: 0o700 })
  const { issueToken } = await import('./services/security/issue-token.ts')
  const tell = (_fields: object, message: string): void => { process.stderr.write(`${message}\n`) }
  const ignore = (): void => undefined
  const token = await issueToken(settingsDirectory, { error: tell, warn: tell, info: ignore, debug: ignore })
  process.stderr.write('The new access token, shown only now. The former one is void; a server that runs knows the new one already.\n')
  process.stdout.write(`${token}\n`)
}

async function programVersion (): Promise<string> {
  // The sources lie beside package.json, the built files one folder below it.
  const file = new URL(import.meta.url.endsWith('.ts') ? './package.json' : '../package.json', import.meta.url)
  const { version } = JSON.parse(await readFile(file, 'utf8')) as { version: string }
  return version
}

async function start ({ options, extraModelPaths }: Extract<StartRequest, { action: 'start' }>): Promise<void> {
  mkdirSync(options.settingsDirectory, { recursive: true, mode: 0o700 })
  await holdTickShape()
  const [{ default: Fastify }, { default: app }, { fastifyOptions }, { default: closeWithGrace }] = await Promise.all([
    import('fastify'), import('./app.ts'), import('./plugins/server-options.ts'), import('close-with-grace')
  ])
  const progress = process.stdout.isTTY ? await terminalProgress() : undefined
  const serverOptions = fastifyOptions(options)
  const server = Fastify({ ...serverOptions, logger: { ...serverOptions.logger, ...(progress && { stream: await prettyStream(progress) }) } })
  closeWithGrace({ delay: GRACE_MS, logger: server.log, skip: ['unhandledRejection', ...FATAL_SIGNALS] }, async ({ signal, err }) => {
    progress?.close()
    if (err) server.log.fatal({ err }, 'closing after a fault')
    else server.log.info({ signal }, 'closing')
    const cut = setTimeout(() => { server.server.closeAllConnections() }, REQUEST_GRACE_MS)
    await server.close()
    clearTimeout(cut)
  })
  // With the terminal gone the runtime's own clean-up of it fails at exit; everything of ours is closed by then.
  process.once('SIGHUP', () => process.once('exit', () => process.kill(process.pid, 'SIGKILL')))
  // A promise that nobody waited for is a fault of one request or job, no reason to end everyone else's.
  process.on('unhandledRejection', (reason) => server.log.error({ err: reason }, 'unhandled rejection'))

  await server.register(app, { start: options })
  await server.ready()
  if (extraModelPaths) await importFolders(server, extraModelPaths)
  if (progress) server.core.hub.subscribe(progress)
  await server.listen({ host: options.host, port: options.port, listenTextResolver: (address) => `listening on ${address}` })
  server.log.debug({ milliseconds: Math.round(performance.now()) }, 'from exec to listening')
  sayWhereToGo(server, options, progress)
}

async function terminalProgress (): Promise<TerminalProgress> {
  const { createTerminalProgress } = await import('./services/start/terminal-progress.ts')
  return createTerminalProgress(process.stdout)
}

/** Log lines for people, written above the progress lines. */
async function prettyStream (progress: TerminalProgress): Promise<NodeJS.WritableStream> {
  const [{ default: pretty }, { Writable }] = await Promise.all([import('pino-pretty'), import('node:stream')])
  const destination = new Writable({
    write (chunk: Buffer, _encoding, done) {
      progress.above(chunk.toString('utf8'))
      done()
    }
  })
  return pretty({ colorize: true, ignore: 'pid,hostname', destination })
}

async function importFolders (server: FastifyInstance, file: string): Promise<void> {
  const { readExtraModelPaths, mergeFolderPaths } = await import('./services/start/extra-model-paths.ts')
  const { settings } = server.core
  const added = await readExtraModelPaths(file, surroundings)
  const outcome = await settings.update({ folder_paths: mergeFolderPaths(settings.activeLibrary().library.folder_paths, added) })
  if (!outcome.saved) throw new DomainError('invalid', 'bad-extra-model-paths', `The folders of ${file} can't be taken over: ${outcome.reason}`)
  server.log.info({ file, folders: added }, 'imported model folders')
}

function sayWhereToGo (server: FastifyInstance, options: StartOptions, progress: TerminalProgress | undefined): void {
  const { port } = server.server.address() as AddressInfo
  const host = ['0.0.0.0', '::'].includes(options.host) ? 'localhost' : options.host.includes(':') ? `[${options.host}]` : options.host
  const url = `http://${host}:${port}`
  const { folder_paths: folders } = server.core.settings.activeLibrary().library
  const roots = Object.values(folders).reduce((sum, paths) => sum + paths.length, 0)
  const hint = `No model folders are configured yet: start with --models DIR, or put them into ${server.core.settings.file} under "folder_paths"`
  if (roots === 0 && !progress) server.log.info(hint)
  progress?.above(`\n  modelshelf is ready: open ${url}\n${roots === 0 ? `  ${hint}\n` : ''}\n`)
}

main().catch((error: unknown) => {
  process.stderr.write(`modelshelf: ${explain(error)}\n`)
  process.exit(exitCodeOf(error))
})
