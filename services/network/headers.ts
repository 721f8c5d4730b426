import type { AnswerHeaders } from './types.ts'

/** A host that asks for more patience than this is asked again all the same. */
const LONGEST_PAUSE_SECONDS = 15 * 60

export const defaultHeaders: Readonly<Record<string, string>> = { 'user-agent': 'modelshelf', 'accept-encoding': 'identity' }

/** What callers may add. Everything else (cookies, referrers, credentials of their own) stays inside. */
const allowed = new Set(['accept', 'content-type', 'if-match', 'if-modified-since', 'if-none-match', 'if-range', 'range'])

/** @throws TypeError for a header that is not on the list: a fault of the program */
export function outgoingHeaders (given: Readonly<Record<string, string>> = {}, authorization: string | null = null): Record<string, string> {
  const headers: Record<string, string> = { ...defaultHeaders }
  for (const [name, value] of Object.entries(given)) {
    const key = name.toLowerCase()
    if (!allowed.has(key)) throw new TypeError(`The header "${key}" is not one that leaves this program`)
    headers[key] = value
  }
  if (authorization !== null) headers.authorization = authorization
  return headers
}

/** Headers as observers see them: a credential is only its scheme. */
export function observableHeaders (headers: Readonly<Record<string, string>>): Record<string, string> {
  const { authorization, ...rest } = headers
  return authorization === undefined ? rest : { ...rest, authorization: `${authorization.split(' ', 1)[0]} ***` }
}

/** Seconds that a host asks to wait, from its number or date; undefined when it names none. */
export function readRetryAfter (headers: AnswerHeaders, now: number): number | undefined {
  const raw = headers['retry-after']
  const text = (Array.isArray(raw) ? raw[0] : raw)?.trim() ?? ''
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : /\d{4}/.test(text) ? (Date.parse(text) - now) / 1000 : NaN
  return Number.isFinite(seconds) ? Math.min(LONGEST_PAUSE_SECONDS, Math.max(0, Math.ceil(seconds))) : undefined
}
