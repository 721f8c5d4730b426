import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { createCatalogue, type Catalogue, type NewFile } from './catalogue.ts'
import { answerCivitai, type ApiAnswer } from './civitai-api.ts'
import type { Origins } from './documents.ts'
import { createFaults, matches, type Faults, type Match, type SeenRequest, type ServerName } from './faults.ts'
import { answerCivarchive, answerHuggingFace, type Repository } from './other-hosts.ts'
import { mediaOf } from './media.ts'
import { mediaTypeOf, type Picture } from './pictures.ts'
import { sendFault, sendFile, sendJson } from './send.ts'

export interface CivitaiDouble {
  /** Origins of the four servers. */
  origins: Record<ServerName, string>
  /** Value of the setting `provider_base_urls`. */
  providerBaseUrls: Record<string, string>
  catalogue: Catalogue
  faults: Faults
  /** Every request in order of arrival; bodies of requests included. */
  requests: SeenRequest[]
  /** The key that is right; null takes none. */
  apiKey: string | null
  /** Adds files of a Hugging Face repository. */
  addRepository (name: string, files: (Pick<NewFile, 'source' | 'size'> & { path: string, lfs?: boolean })[], options?: { gated?: boolean }): Promise<void>
  /** Images with pages of their own, by id. */
  pictures: Map<number, Picture>
  count (match?: Match): number
  /** Most requests that any window of this length has seen, of all servers or one. */
  peak (windowMs: number, server?: ServerName): number
  /** Headers that should not have been sent: "<server>: <name>". */
  strayHeaders (): string[]
  close (): Promise<void>
}

export interface DoubleOptions { files?: readonly NewFile[], apiKey?: string | null, host?: string, port?: number }

const usualHeaders = ['host', 'connection', 'user-agent', 'accept', 'accept-encoding']
const expectedHeaders: Record<ServerName, ReadonlySet<string>> = {
  civitai: new Set([...usualHeaders, 'content-type', 'content-length', 'authorization', 'range', 'if-range']),
  storage: new Set([...usualHeaders, 'range', 'if-range']),
  civarchive: new Set(usualHeaders),
  huggingface: new Set([...usualHeaders, 'authorization', 'range', 'if-range'])
}

/** CivitAI, its storage host, CivArchive and Hugging Face, each a real server on loopback. */
export async function startCivitaiDouble ({ files = [], apiKey = null, host = '127.0.0.1', port = 0 }: DoubleOptions = {}): Promise<CivitaiDouble> {
  const catalogue = createCatalogue()
  const faults = createFaults()
  const requests: SeenRequest[] = []
  const repositories = new Map<string, Repository>()
  const pictures = new Map<number, Picture>()
  const servers: Server[] = []
  const origins = { civitai: '', storage: '', civarchive: '', huggingface: '' }
  const paths = (): Origins => origins

  const answers: Record<Exclude<ServerName, 'storage'>, (request: SeenRequest) => ApiAnswer> = {
    civitai: (request) => answerCivitai(request, { catalogue, pictures, origins: paths, apiKey: () => double.apiKey }),
    civarchive: (request) => answerCivarchive(request, catalogue, origins),
    huggingface: (request) => answerHuggingFace(request, repositories, origins)
  }

  async function serve (server: ServerName, message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await seen(server, message, response)
    requests.push(request)
    const fault = faults.take(request)
    if (fault && await sendFault(fault, response)) return
    if (server === 'storage') {
      await sendStored(message, request, response)
      return
    }
    const { status, body, headers = {} } = answers[server](request)
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    await sendJson(response, body, status, fault)

    async function sendStored (message: IncomingMessage, { path, headers, query }: SeenRequest, response: ServerResponse): Promise<void> {
      if (path.startsWith('/media/')) {
        const picture = pictures.get(Number(/\/(\d+)\.\w+$/.exec(path)?.[1]))
        const { bytes, type } = picture ? { bytes: picture.bytes, type: mediaTypeOf(picture) } : mediaOf(path)
        response.writeHead(200, { 'content-type': fault?.headers?.['content-type'] ?? type, 'content-length': bytes.length }).end(bytes)
        return
      }
      const found = catalogue.file(Number(/^\/files\/(\d+)\//.exec(path)?.[1]))
      if (headers.authorization !== undefined) await sendJson(response, { error: 'Only one auth mechanism allowed' }, 400)
      else if (query.get('signature') === 'expired') await sendJson(response, { error: 'Request has expired' }, 403)
      else if (!found) await sendJson(response, { error: 'NoSuchKey' }, 404)
      else await sendFile(message, response, found.file, fault)
    }
  }

  for (const [at, name] of (['civitai', 'storage', 'civarchive', 'huggingface'] as const).entries()) {
    const server = createServer((message, response) => { serve(name, message, response).catch((error: unknown) => { response.destroy(error as Error) }) })
    server.listen(port === 0 ? 0 : port + at, host)
    await once(server, 'listening')
    servers.push(server)
    origins[name] = `http://${host}:${(server.address() as AddressInfo).port}`
  }

  const double: CivitaiDouble = {
    origins,
    providerBaseUrls: { civitai: `${origins.civitai}/api/v1`, civarchive: `${origins.civarchive}/api`, huggingface: origins.huggingface, storage: origins.storage },
    catalogue,
    faults,
    requests,
    apiKey,
    pictures,
    async addRepository (name, files, { gated = false } = {}) {
      const listed: Repository['files'] = []
      for (const { path, lfs = true, ...rest } of files) {
        const { file } = await catalogue.add({ ...rest, name: path, inCivitai: false })
        listed.push({ path, fileId: file.id, size: file.size, sha256: file.sha256, lfs })
      }
      repositories.set(name, { files: listed, gated })
    },
    count: (match) => match === undefined ? requests.length : requests.filter((request) => matches(match, request)).length,
    peak: (windowMs, server) => peakOf(requests.filter((request) => server === undefined || request.server === server).map(({ at }) => at), windowMs),
    strayHeaders: () => requests.flatMap(({ server, headers }) => Object.keys(headers).filter((name) => !expectedHeaders[server].has(name)).map((name) => `${server}: ${name}`)),
    async close () {
      for (const server of servers) server.closeAllConnections()
      await Promise.all(servers.map(async (server) => { await new Promise((resolve) => { server.close(resolve) }) }))
    }
  }
  for (const file of files) await catalogue.add(file)
  return double
}

/** For the time of a test. Headers that should not have left are a failure of whichever test sent them. */
export async function civitaiDouble (t: Pick<Test, 'teardown'>, options: DoubleOptions = {}): Promise<CivitaiDouble> {
  const double = await startCivitaiDouble(options)
  t.teardown(async () => {
    await double.close()
    const stray = double.strayHeaders()
    if (stray.length > 0) throw new Error(`Headers that must not be sent: ${[...new Set(stray)].join(', ')}`)
  })
  return double
}

async function seen (server: ServerName, message: IncomingMessage, response: ServerResponse): Promise<SeenRequest> {
  const at = Date.now()
  const url = new URL(message.url ?? '/', 'http://double')
  const chunks: Buffer[] = []
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk)
  const { method = 'GET', headers } = message
  const request: SeenRequest = { server, method, path: url.pathname, query: url.searchParams, headers, body: Buffer.concat(chunks).toString(), at, status: null }
  response.once('finish', () => { request.status = response.statusCode })
  return request
}

function peakOf (times: readonly number[], windowMs: number): number {
  let start = 0
  let most = 0
  for (const [at, time] of times.entries()) {
    while ((times[start] ?? time) <= time - windowMs) start++
    most = Math.max(most, at - start + 1)
  }
  return most
}
