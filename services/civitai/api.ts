import type { TObject, Static } from '@sinclair/typebox'
import { destinationNames } from '../network/destinations.ts'
import type { CallOptions, Door } from '../network/types.ts'
import { askJson } from './ask-json.ts'
import { fit } from './fit.ts'
import type { Outcome } from './types.ts'

export interface ApiDeps {
  door: Pick<Door, 'request'>
  /** Base addresses, best first. */
  bases: () => string[]
}

export interface ApiCall { path: string, query?: Record<string, string | number | undefined>, body?: unknown, anonymous?: boolean }

export type Api = (call: ApiCall, options?: CallOptions) => Promise<Outcome<unknown>>

/** One question to the API, asked of the next base address when one can't be had. */
export function createApi ({ door, bases }: ApiDeps): Api {
  return async ({ path, query = {}, body, anonymous }, options = {}) => {
    const search = new URLSearchParams(Object.entries(query).flatMap(([key, value]): [string, string][] => value === undefined ? [] : [[key, String(value)]]))
    const tail = search.size > 0 ? `${path}?${search.toString().replaceAll('%2C', ',')}` : path
    let outcome: Outcome<unknown> = { kind: 'unavailable', offline: false, message: 'There is no address to ask' }
    for (const base of bases()) {
      outcome = await askJson(door, {
        ...options,
        destination: destinationNames.civitai,
        url: base + tail,
        method: body === undefined ? 'GET' : 'POST',
        ...(body !== undefined && { body }),
        ...(anonymous && { anonymous })
      })
      if (outcome.kind !== 'unavailable' && outcome.kind !== 'invalid') return outcome
    }
    return outcome
  }
}

/** The outcome with its value brought into shape; what has none of it is `invalid`. */
export function shaped<S extends TObject> (outcome: Outcome<unknown>, schema: S): Outcome<Static<S>> {
  if (outcome.kind !== 'found') return outcome
  const value = fit(schema, outcome.value)
  return value === null ? { kind: 'invalid', message: 'The answer has an unexpected form' } : { kind: 'found', value }
}

/** Those of a list that fit; anything but a list is `invalid`. */
export function shapedList<S extends TObject> (outcome: Outcome<unknown>, schema: S): Outcome<Static<S>[]> {
  if (outcome.kind !== 'found') return outcome
  if (!Array.isArray(outcome.value)) return { kind: 'invalid', message: 'The answer has an unexpected form' }
  return { kind: 'found', value: outcome.value.map((item) => fit(schema, item)).filter((item) => item !== null) }
}

/** `items` of a page. */
export function shapedItems<S extends TObject> (outcome: Outcome<unknown>, schema: S): Outcome<Static<S>[]> {
  return shapedList(mapped(outcome, (value) => member(value, 'items')), schema)
}

export function mapped<A, B> (outcome: Outcome<A>, change: (value: A) => B): Outcome<B> {
  return outcome.kind === 'found' ? { kind: 'found', value: change(outcome.value) } : outcome
}

export function member (value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined
}
