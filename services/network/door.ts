import type { LookupFunction } from 'node:net'
import type { Dispatcher } from 'undici'
import { DomainError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { SettingsManager } from '../settings/types.ts'
import { createDispatcher, proxyOf } from './dispatcher.ts'
import { createGuardedLookup } from './guard.ts'
import { networkFault } from './network-fault.ts'
import { fetchPublic } from './public-fetch.ts'
import type { Destination, Door, DoorAnswer, DoorRequest } from './types.ts'

export interface DoorDeps {
  settings: Pick<SettingsManager, 'get'>
  logger: Pick<Logger, 'warn'>
  /** Takes the place of the roads made from the settings; the owner closes it. */
  dispatcher?: Dispatcher
  /** Resolves the names of hosts that users name; it must refuse what is not public. */
  lookup?: LookupFunction
}

interface Road { key: string, dispatcher: Promise<Dispatcher> }

const DEFAULT_MAX_BYTES = 32 * 1024 * 1024
const defaultHeaders = { 'user-agent': 'modelshelf', 'accept-encoding': 'identity' }

/** Redirects are answers like any other: following one is a decision of the caller, who asks the door again. */
export function createDoor ({ settings, logger, dispatcher: given, lookup = createGuardedLookup() }: DoorDeps): Door {
  const registered = new Map<string, Destination>()
  /** To the program's own destinations, and to whatever users name. */
  const roads: Record<'own' | 'guarded', Road | null> = { own: null, guarded: null }
  let closed = false

  function retire (former: Promise<Dispatcher>): Promise<void> {
    // Requests under way end on the road they took.
    return former.then((dispatcher) => dispatcher.close()).catch((error: unknown) => { logger.warn({ err: error }, 'a connection pool did not close') })
  }

  function dispatcherNow (kind: keyof typeof roads): Promise<Dispatcher> {
    if (given && kind === 'own') return Promise.resolve(given)
    const proxy = proxyOf(settings)
    const key = proxy?.uri ?? ''
    const road = roads[kind]
    if (road?.key === key) return road.dispatcher
    if (road) retire(road.dispatcher).catch(() => undefined)
    const dispatcher = kind === 'own' ? createDispatcher(proxy) : createDispatcher(proxy, lookup)
    roads[kind] = { key, dispatcher }
    return dispatcher
  }

  function checkOpen (): void {
    if (closed) throw new DomainError('unavailable', 'shutting-down', 'The server is stopping')
    if (settings.get('offline_mode') === true) throw new DomainError('unavailable', 'offline-mode', 'The program is in offline mode and asks no other host')
  }

  /** Origins of the providers as the settings name them: a user may run a mirror on the own machine. */
  function isProvider (origin: string): boolean {
    const bases = settings.get<unknown>('provider_base_urls')
    return typeof bases === 'object' && bases !== null && Object.values(bases).some((base) => typeof base === 'string' && URL.canParse(base) && new URL(base).origin === origin)
  }

  function permit ({ destination: name, url }: DoorRequest): URL {
    const destination = registered.get(name)
    if (!destination) throw new DomainError('unavailable', 'destination-unknown', `There is no destination "${name}"`)
    const target = URL.canParse(url) ? new URL(url) : null
    if (!target || !destination.origins.includes(target.origin) || target.username !== '' || target.password !== '') {
      throw new DomainError('forbidden', 'destination-mismatch', `The address does not belong to ${name}`)
    }
    checkOpen()
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
        const dispatcher = await dispatcherNow('own')
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
    async fetchPublic (url, request) {
      checkOpen()
      return await fetchPublic(url, request, {
        headers: defaultHeaders,
        isExempt: isProvider,
        dispatcherFor: (exempt) => dispatcherNow(exempt ? 'own' : 'guarded')
      })
    },
    async close () {
      closed = true
      for (const kind of ['own', 'guarded'] as const) {
        const dispatcher = await roads[kind]?.dispatcher
        roads[kind] = null
        await dispatcher?.destroy()
      }
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
