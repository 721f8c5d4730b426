import type { Dispatcher } from 'undici'
import { DomainError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { SettingsManager } from '../settings/types.ts'
import { createDispatcher, proxyOf } from './dispatcher.ts'
import { networkFault } from './network-fault.ts'
import type { Destination, Door, DoorAnswer, DoorRequest } from './types.ts'

export interface DoorDeps {
  settings: Pick<SettingsManager, 'get'>
  logger: Pick<Logger, 'warn'>
  /** Takes the place of the roads made from the settings; the owner closes it. */
  dispatcher?: Dispatcher
}

const DEFAULT_MAX_BYTES = 32 * 1024 * 1024
const defaultHeaders = { 'user-agent': 'modelshelf', 'accept-encoding': 'identity' }

/** Redirects are answers like any other: following one is a decision of the caller, who asks the door again. */
export function createDoor ({ settings, logger, dispatcher: given }: DoorDeps): Door {
  const registered = new Map<string, Destination>()
  let road: { key: string, dispatcher: Promise<Dispatcher> } | null = null
  let closed = false

  function retire (former: Promise<Dispatcher>): Promise<void> {
    // Requests under way end on the road they took.
    return former.then((dispatcher) => dispatcher.close()).catch((error: unknown) => { logger.warn({ err: error }, 'a connection pool did not close') })
  }

  function dispatcherNow (): Promise<Dispatcher> {
    if (given) return Promise.resolve(given)
    const proxy = proxyOf(settings)
    const key = proxy?.uri ?? ''
    if (road?.key === key) return road.dispatcher
    if (road) retire(road.dispatcher).catch(() => undefined)
    road = { key, dispatcher: createDispatcher(proxy) }
    return road.dispatcher
  }

  function permit ({ destination: name, url }: DoorRequest): URL {
    const destination = registered.get(name)
    if (!destination) throw new DomainError('unavailable', 'destination-unknown', `There is no destination "${name}"`)
    const target = URL.canParse(url) ? new URL(url) : null
    if (!target || !destination.origins.includes(target.origin) || target.username !== '' || target.password !== '') {
      throw new DomainError('forbidden', 'destination-mismatch', `The address does not belong to ${name}`)
    }
    if (closed) throw new DomainError('unavailable', 'shutting-down', 'The server is stopping')
    if (settings.get('offline_mode') === true) throw new DomainError('unavailable', 'offline-mode', 'The program is in offline mode and asks no other host')
    if (!destination.enabled()) throw new DomainError('unavailable', 'destination-off', `${name} is switched off in the settings`)
    return target
  }

  return {
    register (destination) { registered.set(destination.name, destination) },
    destinations: () => [...registered.values()],
    async request (request) {
      const target = permit(request)
      const { method = 'GET', headers, body, signal, maxBytes = DEFAULT_MAX_BYTES } = request
      try {
        const dispatcher = await dispatcherNow()
        const { request: send } = await import('undici')
        const answer = await send(target, {
          dispatcher,
          method,
          headers: { ...defaultHeaders, ...headers },
          ...(body !== undefined && { body }),
          ...(signal && { signal })
        })
        return { status: answer.statusCode, headers: answer.headers, body: await readCapped(answer, maxBytes) }
      } catch (error) {
        if (signal?.aborted) throw signal.reason
        throw networkFault(error, target.hostname)
      }
    },
    async close () {
      closed = true
      const former = road
      road = null
      if (!former) return
      const dispatcher = await former.dispatcher
      await dispatcher.destroy()
    }
  }
}

async function readCapped ({ headers, body }: Dispatcher.ResponseData, maxBytes: number): Promise<DoorAnswer['body']> {
  const tooLarge = (): DomainError => new DomainError('upstream', 'answer-too-large', `The answer is larger than ${maxBytes} bytes`)
  if (Number(headers['content-length']) > maxBytes) {
    // Breaking off raises an error on the stream, which tells nothing new.
    body.once('error', () => undefined).destroy()
    throw tooLarge()
  }
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxBytes) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}
