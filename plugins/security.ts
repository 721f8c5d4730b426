import fp from 'fastify-plugin'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Core, StartOptions } from '../services/core.ts'
import { DomainError } from '../services/errors.ts'
import { createHostRule, isLoopback, isPrivateAddress } from '../services/security/hosts.ts'
import { allowedOrigins, judgeCaller, type CallerVerdict } from '../services/security/origins.ts'
import { createTokenStore, type TokenStore } from '../services/security/token-store.ts'
import { httpFailure } from './failure.ts'
import { MAX_CONNECTIONS } from './server-options.ts'
import login, { tokenOfCookie } from './login.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A GET that changes something: its HEAD is refused. */
    changesState?: boolean
    /** Answered without a token: what a container's health check or the login page needs. */
    withoutToken?: boolean
    /** Takes the token from the query too, where a client can set no header (WebSocket, SSE). */
    tokenInQuery?: boolean
  }
}

export interface SecurityOptions extends Pick<StartOptions, 'host' | 'insecure' | 'allowedHosts'> {
  /** Shows a token that was just made to the person at the terminal. */
  announceToken?: (token: string) => void
}

const forbidden = (code: string, message: string): DomainError => new DomainError('forbidden', code, message)
const isApi = (url: string): boolean => url.startsWith('/api') || url.startsWith('/ws')
/** The matched route counts beside the address as it was written: `/%61pi/…` reaches the same route. */
const callsApi = ({ url, routeOptions }: FastifyRequest): boolean => isApi(url) || isApi(routeOptions.url ?? '')

/** The gate: decides who may call, before anything else happens with a request. */
export default fp<SecurityOptions>(async (app, options) => {
  const { settings, state } = app.getDecorator<Core>('core')
  const hostAllowed = createHostRule(options.host, options.allowedHosts)
  const open = !isLoopback(options.host)
  const tokens = open && !options.insecure ? createTokenStore(state) : null
  const tripwire = open && options.insecure && options.allowedHosts.length === 0
  const origins = (): string[] => allowedOrigins(settings)

  app.server.maxConnections = MAX_CONNECTIONS
  if (tokens) {
    if (!tokens.exists()) (options.announceToken ?? showOnTerminal)(tokens.issue())
    await app.register(login, { tokens })
  } else if (open) {
    app.log.warn({ host: options.host }, 'listening beyond this machine without a token: everyone who reaches the port can change and delete files')
  }

  app.addHook('onRequest', (request, reply, done) => {
    const { raw: { headers }, url } = request
    setCommonHeaders(reply, url, headers.host ?? '', origins)
    // Node leaves the socket of a refused upgrade open, and the server could not close.
    if (headers.upgrade !== undefined) reply.raw.once('finish', () => { request.raw.socket.end() })
    if (!hostAllowed(headers.host)) return done(forbidden('host-not-allowed', 'This host name is not allowed; name it with --allowed-host'))
    if (tripwire && !isPrivateAddress(request.socket.remoteAddress ?? '127.0.0.1')) return done(forbidden('public-address', 'Requests from public addresses are refused while no token is set'))
    if (url.includes('%00')) return done(new DomainError('invalid', 'invalid-input', 'The address holds a NUL character'))

    const verdict = judge(request, origins)
    if (verdict === 'foreign') return done(forbidden('origin-not-allowed', 'Pages of other sites may not call this server'))
    if (verdict === 'trusted') allowCaller(request, reply)
    if (request.method === 'OPTIONS' && headers['access-control-request-method'] !== undefined && verdict === 'trusted') {
      preflight(request, reply)
      return
    }
    if (request.method === 'HEAD' && request.routeOptions.config.changesState === true) {
      reply.header('allow', 'GET')
      return done(Object.assign(new Error(httpFailure(405).message), { statusCode: 405 }))
    }
    if (tokens && !hasToken(request, tokens)) return refuseStranger(request, reply, done)
    done()
  })
}, { name: 'security', fastify: '5.x', dependencies: ['core'] })

function showOnTerminal (token: string): void {
  process.stderr.write(`\n  Access token (shown only now): ${token}\n\n`)
}

function judge (request: FastifyRequest, origins: () => string[]): CallerVerdict {
  const { method, raw: { headers } } = request
  if (headers.origin === undefined && headers['sec-fetch-site'] === undefined) return 'own'
  const one = (name: string): string | undefined => [headers[name]].flat()[0]
  return judgeCaller({
    method,
    host: headers.host ?? '',
    api: callsApi(request),
    origin: headers.origin,
    referer: headers.referer,
    fetchSite: one('sec-fetch-site'),
    fetchMode: one('sec-fetch-mode'),
    fetchDest: one('sec-fetch-dest')
  }, origins)
}

function setCommonHeaders (reply: FastifyReply, url: string, host: string, origins: () => string[]): void {
  reply.header('x-content-type-options', 'nosniff')
  reply.header('referrer-policy', 'same-origin')
  reply.header('vary', 'Origin')
  reply.header('cross-origin-resource-policy', 'same-site')
  if (isApi(url)) return
  const media = "'self' data: blob: https://*.civitai.com https://img.genur.art"
  const socket = /^[\w.:[\]-]+$/.test(host) ? ` ws://${host} wss://${host}` : ''
  reply.header('content-security-policy', `default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src ${media}; media-src ${media}; connect-src 'self'${socket}; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors ${["'self'", ...origins()].join(' ')}`)
  reply.header('cross-origin-opener-policy', 'same-origin')
}

function allowCaller ({ headers }: FastifyRequest, reply: FastifyReply): void {
  reply.header('cross-origin-resource-policy', 'cross-origin')
  if (headers.origin === undefined) return
  reply.header('access-control-allow-origin', headers.origin)
  reply.header('access-control-expose-headers', 'ETag, Content-Disposition, Content-Range, Accept-Ranges')
}

function preflight ({ headers }: FastifyRequest, reply: FastifyReply): void {
  const asked = headers['access-control-request-headers']
  reply.header('access-control-allow-methods', 'GET, HEAD, POST, PUT, PATCH, DELETE')
  reply.header('access-control-allow-headers', asked !== undefined && /^[\w, -]+$/.test(asked) ? asked : 'authorization, content-type')
  reply.header('access-control-max-age', '600')
  if (headers['access-control-request-private-network'] === 'true') reply.header('access-control-allow-private-network', 'true')
  reply.code(204).send()
}

function hasToken (request: FastifyRequest, tokens: TokenStore): boolean {
  const { config } = request.routeOptions
  if (config.withoutToken === true) return true
  const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
  const query = config.tokenInQuery === true ? (request.query as Record<string, unknown>).token : undefined
  const candidate = bearer ?? tokenOfCookie(request.headers.cookie) ?? (typeof query === 'string' ? query : undefined)
  return candidate !== undefined && tokens.verify(candidate)
}

/** A person at a browser is led to the login page; a program is told. */
function refuseStranger (request: FastifyRequest, reply: FastifyReply, done: (error: Error) => void): void {
  if (request.method === 'GET' && !callsApi(request) && request.headers.accept?.includes('text/html')) {
    reply.header('cache-control', 'no-store').redirect(`/login?next=${encodeURIComponent(request.url)}`, 303)
    return
  }
  reply.header('www-authenticate', 'Bearer')
  done(new DomainError('unauthorized', 'token-required', 'This server asks for its access token'))
}
