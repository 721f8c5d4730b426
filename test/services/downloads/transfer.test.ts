import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createStateDatabase } from '../../../services/database/state.ts'
import { createPartFiles } from '../../../services/downloads/part-files.ts'
import { createPartStore } from '../../../services/downloads/part-store.ts'
import { createTransfer, type TransferDeps, type TransferHooks, type TransferRequest } from '../../../services/downloads/transfer.ts'
import type { DomainError } from '../../../services/errors.ts'
import { createHashPool } from '../../../services/hashing/pool.ts'
import { fileServer, plainDoor, sendFile, sha256, weights, type FileServer } from './file-server.ts'

const MB = 1024 * 1024
const silent = { error () {}, warn () {}, info () {}, debug () {} }

/** Threads for all: starting them costs more than what is done here. */
const hashPool = createHashPool({ lanes: 1 })
const files = createPartFiles()
t.teardown(async () => {
  await files.close()
  await hashPool.close()
})

async function world (t: Test, options: { size?: number, etag?: string | null, boot?: string } = {}) {
  const directory = t.testdir({ settings: {}, loras: {} })
  const bytes = weights(options.size ?? 3 * MB)
  const server = await fileServer(t, { bytes, etag: options.etag === undefined ? '"one"' : options.etag })
  const state = createStateDatabase(join(directory, 'settings'), silent)
  t.teardown(() => { state.close() })
  const parts = createPartStore(state, options.boot ?? 'boot')
  const part = join(directory, 'loras/a.safetensors.part')
  const request: TransferRequest = { download: 'd', part, identity: 'civitai:1/2', urls: [server.url], destination: 'model-files', sha256: sha256(bytes) }
  const deps: TransferDeps = {
    door: plainDoor(), parts, files, hashPool, freeSpace: async () => ({ free: 1e12, size: 2e12 }), stallMs: () => 400, patience: { firstMs: 5 }
  }
  return { server, bytes, parts, state, part, request, deps, directory }
}

function hooks (more: Partial<TransferHooks> = {}): TransferHooks {
  return { signal: new AbortController().signal, gate: async () => undefined, onProgress: () => undefined, ...more }
}

/** Ends a transfer as a killed process does: whatever is in the file stays, nothing else is done. */
async function interrupted (deps: TransferDeps, request: TransferRequest, atBytes: number): Promise<void> {
  const controller = new AbortController()
  await createTransfer(deps)(request, hooks({ signal: controller.signal, onProgress: ({ bytes }) => { if (bytes >= atBytes) controller.abort(new Error('killed')) } })).catch((error: Error) => {
    if (error.message !== 'killed') throw error
  })
}

t.test('a file arrives whole, with its hash', async (t) => {
  const { deps, request, bytes, part } = await world(t)
  const seen: (number | null)[] = []
  const done = await createTransfer(deps)(request, hooks({ onProgress: ({ bytes, total }) => { seen.push(bytes, total) } }))
  t.same(done, { size: bytes.length, sha256: sha256(bytes) })
  t.ok(readFileSync(part).equals(bytes))
  t.equal(seen.at(-2), bytes.length)
  t.equal(seen.at(-1), bytes.length)
})

t.test('a connection that breaks at any place is taken up where it broke', async (t) => {
  const { deps, request, server, part, bytes } = await world(t, { size: 200_000 })
  const cuts = [0, 1, 7, 4096, 65_536, 65_537, 131_072, 199_999]
  server.answer = (incoming, response) => {
    const cut = cuts.shift()
    if (cut === undefined) return false
    sendFile(server, incoming, response, { upTo: cut, chunk: 1000 })
    return true
  }
  await createTransfer(deps)(request, hooks())
  t.ok(readFileSync(part).equals(bytes))
  t.equal(server.requests.length, 9)
  t.ok(server.requests.slice(2).every(({ ifRange, range }) => range === undefined || ifRange === '"one"'), 'every range bears the tag')
})

t.test('after a kill the part is taken up at its length, after a restart of the machine at what was synced', async (t) => {
  const { deps, request, server, bytes, state, part } = await world(t, { size: 8 * MB })
  await interrupted(deps, request, 5 * MB)
  const length = statSync(part).size
  t.ok(length >= 4 * MB, 'part is kept')

  await interrupted({ ...deps, parts: createPartStore(state, 'another boot') }, request, 100)
  t.equal(server.requests.at(-1)?.range, undefined, 'nothing was synced for certain, so it begins anew')

  await interrupted({ ...deps, parts: createPartStore(state, 'another boot') }, request, 6 * MB)
  const later = statSync(part).size
  const done = await createTransfer({ ...deps, parts: createPartStore(state, 'another boot') })(request, hooks())
  t.equal(server.requests.at(-1)?.range, `bytes=${later}-`)
  t.equal(done.sha256, sha256(bytes))
})

t.test('a part that is longer than what was synced is cut to it after a restart of the machine', async (t) => {
  const { deps, request, server, parts, part, bytes, state } = await world(t)
  writeFileSync(part, Buffer.concat([bytes.subarray(0, 100_000), Buffer.alloc(50_000)]))
  parts.save({ part, download: 'd', identity: request.identity, url: server.url, etag: '"one"', last_modified: null, total: bytes.length, sha256: request.sha256, synced: 0 })
  parts.synced(part, 100_000)
  const done = await createTransfer({ ...deps, parts: createPartStore(state, 'next') })(request, hooks())
  t.equal(server.requests[0]?.range, 'bytes=100000-')
  t.equal(server.requests.length, 1, 'the file was right at once')
  t.equal(done.sha256, sha256(bytes))
})

t.test('a file that was exchanged between two tries is loaded anew, not spliced', async (t) => {
  for (const etag of ['"two"', null]) {
    await t.test(`new tag ${etag}`, async (t) => {
      const { deps, request, server, part } = await world(t, { etag: etag === null ? null : '"one"' })
      const first = server.served.bytes
      await interrupted(deps, { ...request, sha256: null }, MB)
      server.served = { bytes: weights(first.length), etag }
      const next = { ...request, sha256: sha256(server.served.bytes) }
      const done = await createTransfer(deps)(next, hooks())
      t.equal(done.sha256, next.sha256)
      t.ok(readFileSync(part).equals(server.served.bytes))
    })
  }
})

t.test('answers that are not what was asked for are never appended', async (t) => {
  const faults: Record<string, (server: FileServer) => FileServer['answer']> = {
    'the whole file to a range': (server) => (request, response, n) => {
      delete request.headers.range
      sendFile(server, request, response)
      return n > 0
    },
    'another range': ({ served: { bytes } }) => (_request, response, n) => {
      if (n > 2) return false
      response.writeHead(206, { 'content-range': `bytes 5-${bytes.length - 1}/${bytes.length}`, etag: '"one"' }).end(bytes.subarray(5))
      return true
    },
    'no range said': () => (_request, response, n) => {
      if (n > 2) return false
      response.writeHead(206).end('x'.repeat(1000))
      return true
    },
    'another tag': ({ served: { bytes } }) => (request, response, n) => {
      if (n > 2) return false
      const from = Number(/\d+/.exec(request.headers.range ?? '')?.[0])
      response.writeHead(206, { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}`, etag: '"zzz"' }).end(Buffer.alloc(bytes.length - from))
      return true
    },
    'a web page that says 200': () => (_request, response, n) => {
      if (n > 3) return false
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>busy</html>')
      return true
    },
    'an error with a body': () => (_request, response, n) => {
      if (n > 3) return false
      response.writeHead(503, { 'content-type': 'text/plain' }).end('x'.repeat(100_000))
      return true
    },
    'more than announced': ({ served: { bytes } }) => (request, response, n) => {
      if (n > 2) return false
      const from = Number(/\d+/.exec(request.headers.range ?? '')?.[0])
      response.writeHead(206, { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}`, etag: '"one"' })
      response.end(Buffer.concat([bytes.subarray(from), Buffer.from('and more')]))
      return true
    },
    'less than announced': ({ served: { bytes } }) => (request, response, n) => {
      if (n > 2) return false
      const from = Number(/\d+/.exec(request.headers.range ?? '')?.[0])
      response.writeHead(206, { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}`, etag: '"one"', 'transfer-encoding': 'chunked' })
      response.end(bytes.subarray(from, from + 1000))
      return true
    }
  }
  for (const [name, fault] of Object.entries(faults)) {
    await t.test(name, async (t) => {
      const { deps, request, server, part, bytes } = await world(t, { size: MB })
      await interrupted(deps, request, 300_000)
      server.answer = fault(server)
      const done = await createTransfer(deps)(request, hooks())
      t.equal(done.sha256, sha256(bytes))
      t.ok(readFileSync(part).equals(bytes))
    })
  }
})

t.test('a complete part is not loaded again: by its hash, or because the server says there is no more', async (t) => {
  const { deps, request, server, parts, part, bytes } = await world(t)
  writeFileSync(part, bytes)
  parts.save({ part, download: 'd', identity: request.identity, url: server.url, etag: '"one"', last_modified: null, total: bytes.length, sha256: request.sha256, synced: bytes.length })
  await createTransfer(deps)(request, hooks())
  t.equal(server.requests.length, 0)

  await createTransfer(deps)({ ...request, sha256: null }, hooks())
  t.equal(server.sent, 0)
  t.equal(server.requests[0]?.range, `bytes=${bytes.length}-`)
})

t.test('a part that another program left is used when the hash proves it, and thrown away when it does not', async (t) => {
  const { deps, request, server, part, bytes } = await world(t)
  writeFileSync(part, bytes.subarray(0, MB))
  await createTransfer(deps)(request, hooks())
  t.equal(server.requests[0]?.range, `bytes=${MB}-`)
  t.equal(server.sent, bytes.length - MB)

  const other = await world(t)
  writeFileSync(other.part, Buffer.alloc(MB))
  await createTransfer(other.deps)(other.request, hooks())
  t.ok(readFileSync(other.part).equals(other.bytes))
})

t.test('wrong bytes are tried once more and then refused', async (t) => {
  const { deps, request, server } = await world(t)
  await t.rejects(createTransfer(deps)({ ...request, sha256: 'a'.repeat(64) }, hooks()), { code: 'hash-mismatch' })
  t.equal(server.requests.length, 2)
})

t.test('an address that gives nothing is left for the next; "you may not" is what is told in the end', async (t) => {
  const { deps, request, server, bytes } = await world(t)
  server.answer = (incoming, response) => {
    if (incoming.url === '/file') return false
    response.writeHead(incoming.url === '/gone' ? 404 : 401).end('no')
    return true
  }
  const gone = server.url.replace('/file', '/gone')
  const closed = server.url.replace('/file', '/closed')
  t.equal((await createTransfer(deps)({ ...request, urls: [gone, server.url] }, hooks())).sha256, sha256(bytes))
  const error = await createTransfer(deps)({ ...request, part: `${request.part}2`, urls: [closed, gone] }, hooks()).then(() => undefined, (error: DomainError) => error)
  t.equal(error?.kind, 'unauthorized')
  t.equal(server.requests.length, 4, 'none of them was asked twice')
})

t.test('a signed address that expired is resolved once more, and only once', async (t) => {
  const { deps, request, server, bytes } = await world(t)
  const storage = await fileServer(t, server.served)
  let signature = 0
  server.answer = (_request, response) => {
    response.writeHead(302, { location: `http://127.0.0.1:${storage.port}/signed?s=${++signature}` }).end()
    return true
  }
  storage.answer = (incoming, response) => {
    if (incoming.url === '/signed?s=2') return false
    response.writeHead(403).end('expired')
    return true
  }
  t.equal((await createTransfer(deps)(request, hooks())).sha256, sha256(bytes))
  t.equal(signature, 2)
  await t.rejects(createTransfer(deps)({ ...request, part: `${request.part}2` }, hooks()), { code: 'download-unauthorized' })
  t.equal(signature, 4)
})

t.test('a host that fails is given five tries, and the time that it asks for', async (t) => {
  const { deps, request, server } = await world(t)
  server.answer = (_request, response) => {
    response.writeHead(500).end()
    return true
  }
  await t.rejects(createTransfer(deps)(request, hooks()), { code: 'download-failed' })
  t.equal(server.requests.length, 5)

  const asking = await world(t)
  asking.server.answer = (_request, response, n) => {
    if (n > 1) return false
    response.writeHead(429, { 'retry-after': '1' }).end()
    return true
  }
  const began = performance.now()
  await createTransfer(asking.deps)(asking.request, hooks())
  t.ok(performance.now() - began >= 990)
})

t.test('a thread that dies while it writes costs no download: another one goes on with what is there', async (t) => {
  const { deps, request, bytes, part } = await world(t, { size: 8 * MB })
  const files = createPartFiles({ worker: new URL('./dying-writer.worker', import.meta.url) })
  t.teardown(async () => { await files.close() })
  t.equal((await createTransfer({ ...deps, files })(request, hooks())).sha256, sha256(bytes))
  t.ok(existsSync(`${part}.died`))
  t.ok(readFileSync(part).equals(bytes))
})

t.test('a silent connection is given up and taken up again', async (t) => {
  const { deps, request, server, bytes } = await world(t)
  server.answer = (_request, response, n) => {
    if (n > 1) return false
    response.writeHead(200, { 'content-length': bytes.length, etag: '"one"' })
    response.write(bytes.subarray(0, 1000))
    return true
  }
  t.equal((await createTransfer(deps)(request, hooks())).sha256, sha256(bytes))
  t.equal(server.requests[1]?.range, 'bytes=1000-')
})

t.test('without room on the disk nothing is asked for, and what is there stays', async (t) => {
  const { deps, request, server, part } = await world(t)
  const full = { ...deps, freeSpace: async () => ({ free: 1e9, size: 1e12 }) }
  await t.rejects(createTransfer(full)(request, hooks()), { code: 'storage-full' })
  t.equal(server.requests.length, 0)
  await interrupted(deps, request, MB)
  const length = statSync(part).size
  await t.rejects(createTransfer(full)(request, hooks()), { code: 'storage-full' })
  t.equal(statSync(part).size, length)
})

t.test('a disk that fills up on the way is waited for, and the file goes on where it was', async (t) => {
  const { deps, request, server, bytes, part } = await world(t)
  let free = 1e12
  server.answer = (incoming, response, n) => {
    if (n > 1) return false
    sendFile(server, incoming, response, { upTo: MB, chunk: 10_000 })
    return true
  }
  const asked: boolean[] = []
  const done = await createTransfer({ ...deps, freeSpace: async () => ({ free, size: 1e12 }) })(request, hooks({
    // By the next connection there is no room.
    onProgress: () => { if (asked.length === 0) free = 1e9 },
    noRoom: async ({ code }, hasRoom) => {
      t.equal(code, 'storage-full')
      asked.push(await hasRoom())
      free = 1e12
      asked.push(await hasRoom())
    }
  }))
  t.same(asked, [false, true])
  t.equal(done.sha256, sha256(bytes))
  t.ok(readFileSync(part).equals(bytes))
  t.match(server.requests.at(-1)?.range, /^bytes=10\d{5}-$/)
})

t.test('so is one that takes no more bytes: what it did not take is sent again', async (t) => {
  const { deps, request, bytes, part } = await world(t)
  let full = true
  const filling: TransferDeps['files'] = {
    async open (path, length) {
      const file = await files.open(path, length)
      const refusing: typeof file = Object.create(file) as typeof file
      refusing.push = (chunk) => file.written >= MB && full ? Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC', syscall: 'write' })) : file.push(chunk)
      return refusing
    }
  }
  const done = await createTransfer({ ...deps, files: filling })(request, hooks({ noRoom: async () => { full = false } }))
  t.equal(full, false)
  t.equal(done.sha256, sha256(bytes))
  t.ok(readFileSync(part).equals(bytes))
})

t.test('an abort ends it at once wherever it is, and leaves the part', async (t) => {
  const { deps, request, server, part } = await world(t)
  const places: Record<string, () => void> = {
    'waiting for an answer': () => { server.answer = () => true },
    'waiting for bytes': () => {
      server.answer = (_request, response) => {
        response.writeHead(200, { 'content-length': 1000 }).write('x')
        return true
      }
    },
    'waiting for the next try': () => {
      server.answer = (_request, response) => {
        response.writeHead(503, { 'retry-after': '100' }).end()
        return true
      }
    }
  }
  for (const [place, prepare] of Object.entries(places)) {
    prepare()
    const controller = new AbortController()
    const before = server.requests.length
    const running = createTransfer({ ...deps, stallMs: () => 60_000 })(request, hooks({ signal: controller.signal }))
    running.catch(() => undefined)
    while (server.requests.length === before) await new Promise((resolve) => setImmediate(resolve))
    const began = performance.now()
    controller.abort(new Error('enough'))
    await t.rejects(running, { message: 'enough' }, place)
    t.ok(performance.now() - began < 500, `${place}: at once`)
  }
  t.ok(existsSync(part))
})

t.test('while it is paused nothing is read, and it goes on over the same connection', async (t) => {
  const { deps, request, server, bytes } = await world(t, { size: 16 * MB })
  // Slow enough to be paused on the way.
  server.paceMs = 5
  let open: () => void = () => undefined
  let gate: Promise<void> = Promise.resolve()
  let reached = 0
  const running = createTransfer({ ...deps, stallMs: () => 60_000 })(request, hooks({
    gate: async () => { await gate },
    onProgress ({ bytes }) {
      if (reached === 0) gate = new Promise((resolve) => { open = resolve })
      reached = bytes
    }
  }))
  const still = async (): Promise<number> => {
    for (;;) {
      const before = reached
      await new Promise((resolve) => setTimeout(resolve, 250))
      if (before === reached && reached > 0) return reached
    }
  }
  const stoppedAt = await still()
  t.ok(stoppedAt < bytes.length, 'it stands')
  server.paceMs = 0
  open()
  t.equal((await running).sha256, sha256(bytes))
  t.equal(server.requests.length, 1)
})

t.test('a link where the part should be is not written through', async (t) => {
  const { deps, request, part, directory } = await world(t)
  const { symlinkSync } = await import('node:fs')
  const precious = join(directory, 'precious')
  writeFileSync(precious, 'precious')
  symlinkSync(precious, part)
  await t.rejects(createTransfer(deps)(request, hooks()))
  t.equal(readFileSync(precious, 'utf8'), 'precious')
  truncateSync(precious, 8)
})
