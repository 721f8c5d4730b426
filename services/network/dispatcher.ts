import type { LookupFunction } from 'node:net'
import type { Dispatcher } from 'undici'
import type { SettingsManager } from '../settings/types.ts'
import { DomainError } from '../errors.ts'

const CONNECT_MS = 15_000
/** Per origin: the calls and transfers of its budget, and some to spare. */
const CONNECTIONS = 16
const IDLE_MS = 60_000
const timeouts = { connectTimeout: CONNECT_MS, headersTimeout: IDLE_MS, bodyTimeout: IDLE_MS, keepAliveTimeout: 30_000 }

/** The road that requests take: straight, through the proxy of the settings, or through that of the environment. */
export interface ProxySettings { uri: string, socks: boolean }

type Settings = Pick<SettingsManager, 'get'>

/** Null while the settings name no proxy. The credentials are percent-encoded, so that any character may stand in them. */
export function proxyOf (settings: Settings): ProxySettings | null {
  const host = textSetting(settings, 'proxy_host')
  const port = textSetting(settings, 'proxy_port')
  if (settings.get('proxy_enabled') !== true || host === '' || port === '') return null
  const type = textSetting(settings, 'proxy_type').toLowerCase() || 'http'
  if (!['http', 'https', 'socks4', 'socks5'].includes(type)) throw new DomainError('unavailable', 'proxy-type', `The proxy type "${type}" is unknown`)
  if (type === 'socks4') throw new DomainError('unavailable', 'proxy-type', 'A SOCKS4 proxy can not be used: choose socks5 or http in the settings')
  const user = textSetting(settings, 'proxy_username')
  const password = textSetting(settings, 'proxy_password')
  const credentials = user !== '' && password !== '' ? `${encodeURIComponent(user)}:${encodeURIComponent(password)}@` : ''
  return { uri: `${type}://${credentials}${host}:${port}`, socks: type === 'socks5' }
}

/** For people: whether the settings send requests through a proxy, usable or not. */
export function proxyState (settings: Settings): 'none' | 'settings' {
  return settings.get('proxy_enabled') === true && textSetting(settings, 'proxy_host') !== '' && textSetting(settings, 'proxy_port') !== '' ? 'settings' : 'none'
}

function textSetting (settings: Settings, key: string): string {
  const value = settings.get(key)
  return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : ''
}

/** `lookup` resolves the names of hosts that are connected to without a proxy; a proxy resolves names itself, in its own network. */
export async function createDispatcher (proxy: ProxySettings | null, lookup?: LookupFunction): Promise<Dispatcher> {
  const { EnvHttpProxyAgent, ProxyAgent, Socks5ProxyAgent } = await import('undici')
  if (proxy === null) return new EnvHttpProxyAgent({ ...timeouts, connections: CONNECTIONS, ...(lookup && { connect: { lookup, timeout: CONNECT_MS } }) })
  return proxy.socks ? new Socks5ProxyAgent(proxy.uri, timeouts) : new ProxyAgent({ ...timeouts, uri: proxy.uri })
}
