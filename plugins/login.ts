import type { FastifyInstance } from 'fastify'
import { DomainError } from '../services/errors.ts'
import type { TokenStore } from '../services/security/token-store.ts'

const COOKIE = 'modelshelf_token'
const YEAR_SECONDS = 365 * 24 * 60 * 60

export function tokenOfCookie (header: string | undefined): string | undefined {
  return header?.split(';').map((pair) => pair.trim()).find((pair) => pair.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1)
}

const page = (next: string, wrong: boolean): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>modelshelf</title>
<style>body{font:16px system-ui;display:grid;place-items:center;min-height:90vh;color-scheme:light dark}form{display:grid;gap:.8rem;width:22rem}input,button{font:inherit;padding:.5rem}</style></head>
<body><form method="post" action="/login"><h1>modelshelf</h1><label for="token">Access token, as shown at the first start</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>${wrong ? '<p role="alert">This is not the token.</p>' : ''}
<input type="hidden" name="next" value="${next.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)}"><button>Open</button></form></body></html>`

/** Only a path of this server: anything else could lead a person elsewhere after the login. */
function ownPath (next: string | null | undefined): string {
  return next && /^\/(?![/\\])[\x21-\x7e]*$/.test(next) ? next : '/'
}

/** The small page that trades the token for a cookie. The form needs no script. */
export default async function login (app: FastifyInstance, { tokens }: { tokens: TokenStore }): Promise<void> {
  const config = { withoutToken: true }
  app.addContentTypeParser<string>('application/x-www-form-urlencoded', { parseAs: 'string', bodyLimit: 16_384 }, (_request, text, done) => {
    done(null, Object.fromEntries(new URLSearchParams(text)))
  })

  app.get<{ Querystring: { next?: string } }>('/login', { config, schema: { hide: true } }, async (request, reply) => {
    return await reply.type('text/html; charset=utf-8').header('cache-control', 'no-store').send(page(ownPath(request.query.next), false))
  })

  app.post<{ Body: { token?: unknown, next?: unknown } }>('/login', { config, schema: { hide: true } }, async (request, reply) => {
    const { token, next } = request.body
    if (typeof token !== 'string') throw new DomainError('invalid', 'invalid-input', 'The token is missing')
    const target = ownPath(typeof next === 'string' ? next : undefined)
    reply.header('cache-control', 'no-store')
    if (!tokens.verify(token)) return await reply.code(401).type('text/html; charset=utf-8').send(page(target, true))
    reply.header('set-cookie', `${COOKIE}=${token}; Path=/; Max-Age=${YEAR_SECONDS}; HttpOnly; SameSite=Strict`)
    return await reply.redirect(target, 303)
  })
}
