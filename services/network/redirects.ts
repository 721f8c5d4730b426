import { DomainError } from '../errors.ts'
import type { Hop, HopAnswer } from './hop.ts'
import { discard } from './read-body.ts'

const MOST_REDIRECTS = 5
const redirects = new Set([301, 302, 303, 307, 308])

/** Sends the first hop and those that redirects lead to. `next` judges each address anew and makes the hop; it throws for one that is not asked. */
export async function followRedirects (first: Hop, send: (hop: Hop) => Promise<HopAnswer>, next: (url: string, former: Hop) => Hop): Promise<HopAnswer & { url: URL }> {
  let hop = first
  for (let count = 0; count <= MOST_REDIRECTS; count++) {
    const answer = await send(hop)
    const location = redirects.has(answer.status) ? answer.headers.location : undefined
    if (location === undefined) return { ...answer, url: hop.url }
    discard(answer.body, answer.headers)
    const target = String(location)
    hop = next(URL.canParse(target, hop.url.href) ? new URL(target, hop.url).href : target, hop)
  }
  throw new DomainError('upstream', 'too-many-redirects', `${hop.url.hostname} redirects too often`)
}
