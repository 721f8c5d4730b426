import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify, { type FastifyInstance, type RouteOptions } from 'fastify'
import type { TSchema } from '@sinclair/typebox'
import app from '../app.ts'
import { fastifyOptions } from '../plugins/server-options.ts'
import { settingRows, type SettingRow } from '../services/settings/schema.ts'
import { overlaidSettings } from '../services/start/parse-start-options.ts'

type Schema = TSchema & { description?: string, properties?: Record<string, Schema>, anyOf?: Schema[], items?: Schema }

/** The parts of the OpenAPI document that are read here. */
export interface ApiDocument {
  paths: Record<string, Record<string, { operationId?: string, tags?: string[], summary?: string, parameters?: unknown[], requestBody?: unknown, responses?: Record<string, { description?: string }> }>>
  'x-websockets': Record<string, string>
  'x-events': Record<string, Schema>
}

/** The service as it is documented: on a settings folder of its own that goes with it, without models and without a port. */
export async function documentedApp (): Promise<{ server: FastifyInstance, routes: RouteOptions[], document: ApiDocument, close: () => Promise<void> }> {
  const settingsDirectory = mkdtempSync(join(tmpdir(), 'modelshelf-docs-'))
  const server = Fastify({ ...fastifyOptions({ logLevel: 'silent' }), logger: false }) as unknown as FastifyInstance
  const routes: RouteOptions[] = []
  server.addHook('onRoute', (route) => { routes.push(route) })
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
      persistentCache: false,
      scanOnStart: false
    }
  })
  await server.ready()
  const { body } = await server.inject('/docs/json')
  return {
    server,
    routes,
    document: JSON.parse(body) as ApiDocument,
    async close () {
      await server.close()
      rmSync(settingsDirectory, { recursive: true, force: true })
    }
  }
}

/** The documents that are made from the program, by file name. */
export function documentsOf (document: ApiDocument): Record<string, string> {
  return { 'openapi.json': `${JSON.stringify(document, null, 1)}\n`, 'events.md': eventsDocument(document), 'settings.md': settingsDocument() }
}

const made = 'This page is made from the program; `npm run docs` renews it.'
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
const code = (text: string): string => `\`${text}\``
const rowOf = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`

function table (heads: readonly string[], rows: readonly (readonly string[])[]): string {
  return [rowOf(heads), `|${heads.map(() => '---').join('|')}|`, ...rows.map(rowOf)].join('\n')
}

/** A schema in a word or two. */
function typeText (schema: Schema): string {
  if (schema.anyOf) return schema.anyOf.map(typeText).join(', ')
  if (schema.const !== undefined) return code(String(schema.const))
  if (schema.type === 'array') return `list of ${schema.items ? typeText(schema.items) : 'anything'}`
  if (schema.type === 'object' && typeof schema.additionalProperties === 'object') return `object of ${typeText(schema.additionalProperties)}`
  return typeof schema.type === 'string' ? schema.type : 'anything'
}

function eventsDocument ({ 'x-websockets': sockets, 'x-events': events }: ApiDocument): string {
  const sections = Object.entries(events).map(([name, schema]) => {
    const members = Object.entries(schema.properties ?? {}).map(([key, member]) => [code(key), typeText(member), member.description ?? ''])
    return `### ${code(name)}\n\n${schema.description ?? ''}\n\n${table(['Member', 'Type', 'Meaning'], members)}`
  })
  return `# Events

${made} The table behind it is \`services/progress/events.ts\`.

## Sockets

${table(['Address', 'What it sends'], Object.entries(sockets).map(([address, text]) => [code(address), text]))}

## The feed

\`/api/v1/events\` sends one frame per event, over a WebSocket or as server-sent events (\`id\` is the position, \`data\` the frame):

\`\`\`json
{ "seq": 42, "epoch": "mb1x", "time": "2025-01-31T12:00:00.000Z", "type": "model.updated", "data": { "model_type": "lora", "file_path": "/models/loras/a.safetensors" } }
\`\`\`

\`operation\` and \`job\` name what an event belongs to. \`seq\` grows by one within an \`epoch\`, one run of the server.
After a break, \`?after=<epoch>:<seq>\` (or \`Last-Event-ID\`) sends what was missed; \`{"type":"resync"}\` instead means: ask for everything anew.
Events of progress that follow each other closely are joined; the last one is always sent.

## Types

${sections.join('\n\n')}
`
}

function settingsDocument (): string {
  const variables = new Map(Object.entries(overlaidSettings).map(([variable, key]) => [key, variable]))
  const rows = settingRows.map((row) => [code(row.key), typeText(row.kind.schema), defaultText(row), wayText(row, variables.get(row.key)), row.meaning])
  return `# Settings

${made} The table behind it is \`services/settings/schema.ts\`.

All of them live in \`settings.json\` of the settings directory. "HTTP" can also be set with \`POST /api/lm/settings\`, and takes effect at once.
A variable of the environment outranks the file for one run and is never saved.
Other keys than these are kept as they come. Secrets are never answered: only whether they are set.

${table(['Key', 'Type', 'Default', 'Set by', 'Meaning'], rows)}
`
}

function defaultText ({ fallback, kind }: SettingRow): string {
  if (fallback === undefined) return 'unset'
  const text = JSON.stringify(fallback)
  return text.length > 60 ? `${typeText(kind.schema)}, see \`GET /api/lm/settings\`` : code(text)
}

function wayText ({ key, locked, exposure, perLibrary }: SettingRow, variable: string | undefined): string {
  const ways = ['file']
  if (locked === null) ways.push('HTTP')
  if (key === 'libraries' || key === 'active_library') ways.push('library routes')
  if (key === 'allowed_hosts') ways.push('`--allowed-host`', '`MODELSHELF_ALLOWED_HOSTS`')
  if (key === 'provider_base_urls') ways.push('`MODELSHELF_CIVITAI_URL` and its sisters')
  if (variable !== undefined) ways.push(code(variable))
  const notes = [perLibrary ? 'per library' : '', exposure === 'secret' || exposure === 'masked' ? 'secret' : ''].filter((note) => note !== '')
  return ways.join(', ') + (notes.length > 0 ? ` (${notes.join(', ')})` : '')
}
