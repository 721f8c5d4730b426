import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { createRandom } from './random.ts'

/** A host on loopback that describes one version of a model and sends its file, with whatever a campaign wants it to do. */
export interface ModelHost {
  base: string
  /** Value of the setting `provider_base_urls`. */
  providers: Record<string, string>
  versionId: number
  size: number
  /** Lower-case SHA-256 of the file as it is now. */
  sha256 (): string
  /** Bytes of bodies handed to the system. */
  sent: number
  requests: number
  /** Milliseconds between pieces of 512 KiB; 0 sends as fast as it is taken. */
  paceMs: number
  /** What the description promises: the right hash, a wrong one, or none. */
  promise: 'right' | 'wrong' | 'none'
  /** Breaks off every connection. */
  cut (): void
  /** From now on it is another file of the same size, with another tag. */
  exchange (): void
  stop (): Promise<void>
}

export interface ModelHostOptions { megabytes: number, seed: number, paceMs?: number }

export const FILE_NAME = 'brought.safetensors'
const MB = 1024 * 1024
const PIECE = MB / 2

/** One block that is laid out again and again, each time with its number in it: a splice at a wrong place is a wrong hash. */
export function createContent (size: number, seed: number) {
  const random = createRandom(seed)
  const pattern = Buffer.alloc(MB)
  for (let at = 0; at < MB; at += 4) pattern.writeUInt32LE(random.below(2 ** 32), at)
  const header = Buffer.from(JSON.stringify({ __metadata__: { format: 'pt' } }))

  function block (number: number): Buffer {
    const bytes = Buffer.from(pattern)
    bytes.writeUInt32LE(number, MB / 2)
    bytes.writeUInt32LE(number, MB - 8)
    if (number === 0) {
      bytes.writeBigUInt64LE(BigInt(header.length), 0)
      header.copy(bytes, 8)
    }
    return bytes
  }

  return {
    tag: `"${seed}"`,
    /** Pieces from a byte on, each inside one block. */
    * pieces (from: number): Generator<Buffer> {
      for (let at = from; at < size;) {
        const start = at % MB
        const end = Math.min(MB, start + PIECE - start % PIECE, size - (at - start))
        yield block(Math.floor(at / MB)).subarray(start, end)
        at += end - start
      }
    },
    sha256 () {
      const hash = createHash('sha256')
      for (const piece of this.pieces(0)) hash.update(piece)
      return hash.digest('hex')
    }
  }
}

export async function startModelHost ({ megabytes, seed, paceMs = 0 }: ModelHostOptions): Promise<ModelHost> {
  const size = megabytes * MB
  let content = createContent(size, seed)
  let sha256 = content.sha256()
  const server = createServer((request, response) => { answer(request, response).catch((error: unknown) => { response.destroy(error as Error) }) })

  async function answer (request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?', 1)[0] ?? ''
    if (path === '/file') return await sendFile(request, response)
    const body = path.startsWith('/api/v1/model-versions/') ? version(host, sha256) : path.startsWith('/api/v1/models/') ? model(host) : { error: 'not here' }
    response.writeHead('error' in body ? 404 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }

  async function sendFile (request: IncomingMessage, response: ServerResponse): Promise<void> {
    host.requests++
    const { tag, pieces } = content
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')
    const condition = request.headers['if-range']
    const from = range && (condition === undefined || condition === tag) ? Number(range[1]) : 0
    const headers = { 'content-type': 'application/octet-stream', etag: tag, 'content-length': size - from }
    response.writeHead(from > 0 ? 206 : 200, { ...headers, ...(from > 0 && { 'content-range': `bytes ${from}-${size - 1}/${size}` }) })
    for (const piece of pieces(from)) {
      if (response.destroyed) return
      host.sent += piece.length
      if (host.paceMs > 0) await delay(host.paceMs)
      if (!response.write(piece)) await taken(response)
    }
    response.end()
  }

  const host: ModelHost = {
    base: '',
    providers: {},
    versionId: 4242,
    size,
    sha256: () => sha256,
    sent: 0,
    requests: 0,
    paceMs,
    promise: 'right',
    cut () { server.closeAllConnections() },
    exchange () {
      content = createContent(size, seed + host.requests + 1)
      sha256 = content.sha256()
    },
    async stop () {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the host of models got no port')
  host.base = `http://127.0.0.1:${address.port}`
  host.providers = { civitai: `${host.base}/api/v1`, civarchive: `${host.base}/api`, huggingface: host.base }
  return host
}

/** Until there is room for more, or nobody who takes it. */
async function taken (response: ServerResponse): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.on('drain', done).on('close', done)
  })
}

function version ({ base, versionId, size, promise }: ModelHost, sha256: string): Record<string, unknown> {
  const hashes = promise === 'none' ? {} : { SHA256: (promise === 'right' ? sha256 : createHash('sha256').update(sha256).digest('hex')).toUpperCase() }
  return {
    id: versionId,
    modelId: 42,
    name: 'v1',
    baseModel: 'SDXL 1.0',
    model: { name: 'Brought', type: 'LORA' },
    files: [{ id: 1, name: FILE_NAME, type: 'Model', primary: true, sizeKB: size / 1024, hashes, downloadUrl: `${base}/file` }],
    images: []
  }
}

function model (host: ModelHost): Record<string, unknown> {
  return { id: 42, name: 'Brought', type: 'LORA', tags: ['style'], creator: { username: 'painter' }, modelVersions: [{ id: host.versionId, name: 'v1' }] }
}
