import type { LookupFunction } from 'node:net'
import type { Dispatcher } from 'undici'
import type { Logger } from '../logger.ts'
import type { SettingsManager } from '../settings/types.ts'
import { createDispatcher, proxyOf } from './dispatcher.ts'

/** To the program's own destinations, and to whatever users and remote documents name. */
export type RoadKind = 'own' | 'guarded'

export interface Roads {
  /** The road of now: another one as soon as the proxy settings changed. @throws DomainError `proxy-type` */
  dispatcher (kind: RoadKind): Promise<Dispatcher>
  close (): Promise<void>
}

export interface RoadsDeps {
  settings: Pick<SettingsManager, 'get'>
  logger: Pick<Logger, 'warn'>
  /** Takes the place of the road to own destinations; its owner closes it. */
  given?: Dispatcher | undefined
  lookup: LookupFunction
}

export function createRoads ({ settings, logger, given, lookup }: RoadsDeps): Roads {
  const roads: Record<RoadKind, { key: string, dispatcher: Promise<Dispatcher> } | null> = { own: null, guarded: null }
  const retired = new Set<Promise<unknown>>()

  function retire (former: Promise<Dispatcher>): void {
    // Requests under way end on the road they took.
    const closing = former.then((dispatcher) => dispatcher.close())
      .catch((error: unknown) => { logger.warn({ err: error }, 'a connection pool did not close') })
      .finally(() => { retired.delete(closing) })
    retired.add(closing)
  }

  return {
    async dispatcher (kind) {
      if (given && kind === 'own') return given
      const proxy = proxyOf(settings)
      const key = proxy?.uri ?? ''
      const road = roads[kind]
      if (road?.key === key) return await road.dispatcher
      if (road) retire(road.dispatcher)
      const dispatcher = kind === 'own' ? createDispatcher(proxy) : createDispatcher(proxy, lookup)
      roads[kind] = { key, dispatcher }
      return await dispatcher
    },
    async close () {
      for (const kind of ['own', 'guarded'] as const) {
        const dispatcher = await roads[kind]?.dispatcher
        roads[kind] = null
        await dispatcher?.destroy()
      }
      await Promise.all(retired)
    }
  }
}
