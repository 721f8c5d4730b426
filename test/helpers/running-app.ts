import { mkdirSync, realpathSync, utimesSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import app from '../../app.ts'
import { fastifyOptions } from '../../plugins/server-options.ts'
import type { StartOptions } from '../../services/core.ts'
import type { OpenableModelLibrary } from '../../services/models/library.ts'
import type { OpenableRecipeShelf } from '../../services/recipes/recipe-shelf.ts'
import type { FrameSink } from '../../services/progress/types.ts'

type TestScope = Pick<Test, 'testdir' | 'teardown'>

export interface Answer<Json = Record<string, unknown>> { status: number, json: Json, headers: Record<string, unknown>, text: string }

export interface RunningApp {
  app: FastifyInstance
  /** Holds the settings folder and the folders of models. */
  directory: string
  settingsDirectory: string
  /** The root of each type. */
  roots: { loras: string, checkpoints: string, unet: string, embeddings: string }
  /** Frames of the legacy channel 'fetch' since the first scan, in order. */
  frames: Record<string, unknown>[]
  /** Frames of the v1 feed since the first scan, in order. */
  events: Record<string, unknown>[]
  call (method: 'GET' | 'POST' | 'DELETE' | 'PUT', url: string, body?: unknown): Promise<Answer>
  post (url: string, body?: unknown): Promise<Answer>
  get (url: string): Promise<Answer>
  /** Waits until no scan, hashing or writing of sidecars is under way. */
  idle (): Promise<void>
  close (): Promise<void>
  /** Closes this one and starts another on the same folders. */
  restart (): Promise<RunningApp>
}

export interface RunningAppOptions {
  settings?: Record<string, unknown>
  /** Lays out files before the first scan. */
  prepare?: (roots: RunningApp['roots'], directory: string) => void
  start?: Partial<StartOptions>
}

/** The whole service on a library in a folder of its own: real settings, files and databases. Its first scan is over. */
export async function runningApp (t: TestScope, { settings = {}, prepare, start = {} }: RunningAppOptions = {}): Promise<RunningApp> {
  const directory = realpathSync(t.testdir({ settings: {}, loras: {}, checkpoints: {}, unet: {}, embeddings: {} }))
  const roots = { loras: join(directory, 'loras'), checkpoints: join(directory, 'checkpoints'), unet: join(directory, 'unet'), embeddings: join(directory, 'embeddings') }
  writeFileSync(join(directory, 'settings/settings.json'), JSON.stringify({
    watch_folders: false,
    folder_paths: Object.fromEntries(Object.entries(roots).map(([key, root]) => [key, [root]])),
    ...settings
  }))
  prepare?.(roots, directory)
  const runs = new Set<RunningApp>()
  t.teardown(async () => { for (const run of [...runs]) await run.close() })
  return await startOn(directory, roots, start, runs)
}

async function startOn (directory: string, roots: RunningApp['roots'], start: Partial<StartOptions>, runs: Set<RunningApp>): Promise<RunningApp> {
  const settingsDirectory = join(directory, 'settings')
  const server = Fastify({ ...fastifyOptions({ logLevel: 'silent' }), logger: false }) as unknown as FastifyInstance
  await server.register(app, {
    start: {
      settingsDirectory,
      modelsDirectory: null,
      host: '127.0.0.1',
      port: 0,
      logLevel: 'silent',
      insecure: false,
      allowedHosts: [],
      settingsOverlay: {},
      providers: {},
      persistentCache: true,
      scanOnStart: true,
      ...start
    }
  })
  await server.ready()
  const stray = new Set<string>()
  server.core.door.observe(({ destination, headers }) => { for (const name of strayHeaders(destination, headers)) stray.add(`${destination}: ${name}`) })
  const frames: Record<string, unknown>[] = []
  const events: Record<string, unknown>[] = []
  const into = (list: Record<string, unknown>[]): FrameSink => ({ bufferedAmount: 0, send: (text) => { list.push(JSON.parse(text) as Record<string, unknown>) } })
  server.core.hub.attach('fetch', into(frames))
  server.core.hub.subscribe(into(events))
  const libraries = Object.values(server.core.models) as OpenableModelLibrary[]
  const recipes = server.core.recipes as OpenableRecipeShelf

  async function call (method: 'GET' | 'POST' | 'DELETE' | 'PUT', url: string, body?: unknown): Promise<Answer> {
    const answer = await server.inject({ method, url, ...(body !== undefined && { payload: JSON.stringify(body), headers: { 'content-type': 'application/json' } }) })
    const isJson = String(answer.headers['content-type']).startsWith('application/json')
    return { status: answer.statusCode, json: isJson ? answer.json() : {} as Record<string, unknown>, headers: answer.headers, text: answer.body }
  }

  const run: RunningApp = {
    app: server,
    directory,
    settingsDirectory,
    roots,
    frames,
    events,
    call,
    post: async (url, body = {}) => await call('POST', url, body),
    get: async (url) => await call('GET', url),
    async idle () {
      while ([...libraries, recipes].some((library) => !library.opened)) await delay(1)
      for (const library of [...libraries, recipes]) await library.idle()
    },
    async close () {
      if (!runs.delete(run)) return
      await server.close()
      if (stray.size > 0) throw new Error(`Headers that must not be sent: ${[...stray].join(', ')}`)
    },
    async restart () {
      await run.close()
      return await startOn(directory, roots, start, runs)
    }
  }
  runs.add(run)
  await run.idle()
  // Of the first scan nobody wants to hear.
  frames.length = 0
  events.length = 0
  return run
}

const usual = ['user-agent', 'accept-encoding', 'accept', 'content-type']
const partial = ['range', 'if-range', 'if-match', 'if-none-match', 'if-modified-since']
/** What may be sent to each destination; a new one is a row here. */
const mayBeSent: Record<string, readonly string[]> = {
  civitai: [...usual, 'authorization'],
  civarchive: usual,
  media: usual,
  'hugging-face': [...usual, ...partial, 'authorization'],
  'model-files': [...usual, ...partial, 'authorization']
}

function strayHeaders (destination: string, headers: Record<string, string>): string[] {
  return Object.keys(headers).filter((name) => !mayBeSent[destination]?.includes(name))
}

/** Bytes of a small model file, different for each name. */
export function modelBytes (name: string): Buffer {
  const header = Buffer.from(JSON.stringify({ __metadata__: { name } }).padEnd(64, ' '))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  return Buffer.concat([length, header, Buffer.from(`weights of ${name}`)])
}

export function sha256Of (bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** A model file with a complete sidecar (`sidecar: null` for none) whose hash is the file's own; answers its path. */
export function putModel (root: string, name: string, sidecar: Record<string, unknown> | null = {}, extension = '.safetensors'): string {
  const path = join(root, `${name}${extension}`)
  const bytes = modelBytes(name)
  const stem = name.slice(name.lastIndexOf('/') + 1)
  putFile(path, bytes)
  if (sidecar) {
    putFile(join(root, `${name}.metadata.json`), JSON.stringify({
      file_name: stem,
      model_name: stem,
      file_path: path,
      size: bytes.length,
      modified: 1_600_000_000.5,
      sha256: sha256Of(bytes),
      base_model: 'SD 1.5',
      preview_url: '',
      preview_nsfw_level: 0,
      notes: '',
      from_civitai: true,
      civitai: {},
      tags: [],
      modelDescription: '',
      hash_status: 'completed',
      autov3: null,
      ...sidecar
    }, null, 2))
  }
  return path
}

/** As if it had come a minute ago: what is written to at the moment is not hashed before it rests. */
export function putFile (path: string, content: string | Uint8Array): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  const time = Date.now() / 1000 - 60
  utimesSync(path, time, time)
  return path
}
