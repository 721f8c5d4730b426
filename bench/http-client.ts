import { Agent, request } from 'node:http'

export interface TimedAnswer {
  status: number
  headers: NodeJS.Dict<string | string[]>
  body: Buffer
  /** Milliseconds from writing the request to the last byte of the answer. */
  milliseconds: number
  /** What the server says it needed itself (`Server-Timing: app;dur=`), null when it does not say. */
  serverMilliseconds: number | null
}

export interface TimedClient {
  get (path: string, headers?: Record<string, string>): Promise<TimedAnswer>
  json<Body> (path: string): Promise<Body>
  close (): void
}

/** One kept-alive connection, so that a figure holds no connecting. */
export function createTimedClient (base: string): TimedClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })

  function get (path: string, headers: Record<string, string> = {}): Promise<TimedAnswer> {
    return new Promise((resolve, reject) => {
      const started = performance.now()
      const call = request(new URL(path, base), { agent, headers, timeout: 30_000 }, (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('error', reject)
        answer.on('end', () => resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          body: Buffer.concat(chunks),
          milliseconds: performance.now() - started,
          serverMilliseconds: serverTime(answer.headers['server-timing'])
        }))
      })
      call.on('timeout', () => call.destroy(new Error(`no answer from ${path} in 30 s`)))
      call.on('error', reject)
      call.end()
    })
  }

  return {
    get,
    async json<Body> (path: string) {
      const { status, body } = await get(path)
      if (status !== 200) throw new Error(`${path} answered ${status}: ${body.toString('utf8').slice(0, 200)}`)
      return JSON.parse(body.toString('utf8')) as Body
    },
    close: () => agent.destroy()
  }
}

function serverTime (header: string | string[] | undefined): number | null {
  const text = Array.isArray(header) ? header.join(',') : header
  const found = /\bapp;dur=([\d.]+)/.exec(text ?? '')
  return found?.[1] === undefined ? null : Number(found[1])
}
