import type { LookupFunction } from 'node:net'
import type { Dispatcher } from 'undici'
import { DomainError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { SettingsManager } from '../settings/types.ts'
import { networkClock, type NetworkClock } from './clock.ts'
import { destinationNames } from './destinations.ts'
import { createGuardedLookup, readPublicUrl } from './guard.ts'
import { outgoingHeaders } from './headers.ts'
import { createHopSender, type Hop } from './hop.ts'
import { createHosts } from './hosts.ts'
import { createLedger } from './ledger.ts'
import { proxyState } from './dispatcher.ts'
import { isProviderOrigin } from './provider-origins.ts'
import { discard, readBody } from './read-body.ts'
import { followRedirects } from './redirects.ts'
import { sendWithRetries } from './retries.ts'
import { createRoads } from './roads.ts'
import type { Destination, Door, OutgoingRequest } from './types.ts'

export interface DoorDeps {
  /** With `onChange`, switching to offline mode also ends what is under way. */
  settings: Pick<SettingsManager, 'get'> & Partial<Pick<SettingsManager, 'onChange'>>
  logger: Pick<Logger, 'warn'>
  /** Takes the place of the roads made from the settings; the owner closes it. */
  dispatcher?: Dispatcher
  /** Resolves the names of hosts that users name; it must refuse what is not public. */
  lookup?: LookupFunction
  clock?: NetworkClock
  random?: () => number
}

const DEFAULT_MAX_BYTES = 32 * 1024 * 1024

const media: Destination = {
  name: destinationNames.media,
  purpose: 'Pictures and videos from addresses that you, or a provider you use, name',
  origins: [],
  publicHosts: true,
  enabled: () => true
}

/** The one way to other hosts: switches, budgets, credentials, addresses and sizes are all judged here. */
export function createDoor ({ settings, logger, dispatcher: given, lookup = createGuardedLookup(), clock = networkClock, random = Math.random }: DoorDeps): Door {
  const registered = new Map<string, Destination>([[media.name, media]])
  const observers = new Set<(request: OutgoingRequest) => void>()
  const ledger = createLedger(clock)
  const roads = createRoads({ settings, logger, given, lookup })
  const hosts = createHosts({ clock, random, limitsFor: (origin) => [...registered.values()].find(({ origins, budget }) => budget && origins.includes(origin))?.budget })
  let cut = new AbortController()
  let closed = false
  const stopListening = settings.onChange?.(({ keys }) => { if (keys.has('offline_mode') && isOffline()) endAll(offline()) })
  const isExempt = (origin: string): boolean => isProviderOrigin(settings, origin)
  const isOffline = (): boolean => settings.get('offline_mode') === true

  function endAll (reason: DomainError): void {
    const former = cut
    cut = new AbortController()
    former.abort(reason)
  }

  function destinationOf (name: string): Destination {
    const destination = registered.get(name)
    if (!destination) throw new DomainError('unavailable', 'destination-unknown', `There is no destination "${name}"`)
    return destination
  }

  function checkOpen (name: string): void {
    if (closed) throw new DomainError('unavailable', 'shutting-down', 'The server is stopping')
    if (isOffline()) throw offline()
    if (!destinationOf(name).enabled()) throw new DomainError('unavailable', 'destination-off', `${name} is switched off in the settings`)
  }

  const send = createHopSender({
    hosts,
    roads,
    ledger,
    clock,
    checkOpen,
    announce (request) { for (const observer of observers) observer(request) },
    cutOff: () => cut.signal
  })

  /** One of the destination's own addresses, spelled out and without credentials in it. */
  function ownAddress ({ name, origins }: Destination, url: string): URL {
    const target = URL.canParse(url) ? new URL(url) : null
    if (!target || !origins.includes(target.origin) || target.username !== '' || target.password !== '') {
      throw new DomainError('forbidden', 'destination-mismatch', `The address does not belong to ${name}`)
    }
    return target
  }

  /** The address and road of a hop: own origins, providers wherever the user has put them, else hosts of the public internet. */
  function judge (destination: Destination, url: string): Pick<Hop, 'url' | 'road'> {
    const origin = URL.canParse(url) ? new URL(url).origin : ''
    if (destination.origins.includes(origin) || !destination.publicHosts) return { url: ownAddress(destination, url), road: 'own' }
    return { url: readPublicUrl(url, isExempt), road: isExempt(origin) ? 'own' : 'guarded' }
  }

  return {
    register (destination) { registered.set(destination.name, destination) },
    destinations: () => [...registered.values()],
    async request ({ destination: name, url, method = 'GET', headers, anonymous, maxBytes = DEFAULT_MAX_BYTES, attempts = 1, ...rest }) {
      const destination = destinationOf(name)
      const target = ownAddress(destination, url)
      checkOpen(name)
      const hop: Hop = { ...rest, destination: name, url: target, method, headers: outgoingHeaders(headers, authorizationFor(destination, target, anonymous)), lane: 'calls', road: 'own' }
      return await sendWithRetries(attempts, async () => {
        const { body, retryAfter, ...answer } = await send(hop)
        return { ...answer, body: await readBody({ ...answer, body }, maxBytes), ...(retryAfter !== undefined && { retryAfter }) }
      }, { clock, random, signal: rest.signal, urgent: rest.urgent })
    },
    async stream ({ destination: name, url, method = 'GET', headers, anonymous, stallMs, ...rest }) {
      const destination = destinationOf(name)
      checkOpen(name)
      const first = judge(destination, url)
      const authorization = destination.origins.includes(first.url.origin) ? authorizationFor(destination, first.url, anonymous) : null
      const hop: Hop = { ...rest, ...first, destination: name, method, headers: outgoingHeaders(headers, authorization), lane: 'transfers', idleMs: stallMs }
      const { url: last, retryAfter, ...answer } = await followRedirects(hop, send, (next, former) => {
        const judged = judge(destination, next)
        const kept = judged.url.origin === first.url.origin && former.url.origin === first.url.origin ? former.headers.authorization ?? null : null
        return { ...hop, ...judged, headers: outgoingHeaders(headers, kept) }
      })
      return { ...answer, finalUrl: last.href, ...(retryAfter !== undefined && { retryAfter }) }
    },
    async fetchPublic (url, { maxBytes, signal, urgent = true }) {
      checkOpen(media.name)
      const first: Hop = { ...judge(media, url), destination: media.name, method: 'GET', headers: outgoingHeaders(), lane: 'calls', signal, urgent }
      const answer = await followRedirects(first, send, (next) => ({ ...first, ...judge(media, next) }))
      if (answer.status !== 200) {
        discard(answer.body, answer.headers)
        throw new DomainError('upstream', 'upstream-status', `${answer.url.hostname} answered ${answer.status}`)
      }
      return { url: answer.url.href, body: await readBody(answer, maxBytes) }
    },
    observe (listener) {
      observers.add(listener)
      return () => { observers.delete(listener) }
    },
    status: () => ({
      offline: isOffline(),
      proxy: proxyState(settings),
      destinations: [...registered.values()].map((destination) => describe(destination, ledger.of(destination.name))),
      hosts: hosts.status()
    }),
    async close () {
      closed = true
      stopListening?.()
      endAll(new DomainError('unavailable', 'shutting-down', 'The server is stopping'))
      await roads.close()
    }
  }
}

const offline = (): DomainError => new DomainError('unavailable', 'offline-mode', 'The program is in offline mode and asks no other host')

function authorizationFor (destination: Destination, url: URL, anonymous: boolean | undefined): string | null {
  return anonymous === true ? null : destination.authorization?.(url) ?? null
}

function describe (destination: Destination, { counters, lastRequestAt }: ReturnType<ReturnType<typeof createLedger>['of']>) {
  const { name, purpose, origins, publicHosts = false, setting = null, authorization } = destination
  const authorized = origins.some((origin) => (authorization?.(new URL('/api/', origin)) ?? null) !== null)
  return { name, purpose, origins: [...origins], public_hosts: publicHosts, enabled: destination.enabled(), setting, authorized, counters, last_request_at: lastRequestAt }
}
