export interface CampaignAnswer { status: number, json: Record<string, unknown> }

/** Talks to the server as its clients do. A connection that breaks off is no answer: null. */
export interface CampaignClient {
  post (path: string, body: Record<string, unknown>): Promise<CampaignAnswer | null>
  upload (path: string, form: FormData): Promise<CampaignAnswer | null>
  get (path: string): Promise<CampaignAnswer | null>
}

export function createCampaignClient (base: string): CampaignClient {
  async function send (path: string, init: RequestInit): Promise<CampaignAnswer | null> {
    try {
      const answer = await fetch(base + path, init)
      return { status: answer.status, json: await answer.json() as Record<string, unknown> }
    } catch (error) {
      // The server is gone, before or while it answered.
      if (error instanceof TypeError || error instanceof SyntaxError) return null
      throw error
    }
  }
  return {
    post: (path, body) => send(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    upload: (path, form) => send(path, { method: 'POST', body: form }),
    get: (path) => send(path, {})
  }
}

interface ListPage { items: Record<string, unknown>[], total_pages: number }

/** The items of a list, page by page; all of them, or the pages that hold the first `most`. */
export async function listAll (base: string, prefix: string, most = Infinity): Promise<Record<string, unknown>[]> {
  const items: Record<string, unknown>[] = []
  for (let page = 1, pages = 1; page <= pages && items.length < most; page++) {
    const answer = await fetch(`${base}/api/lm/${prefix}/list?page_size=100&sort_by=name&page=${page}`)
    if (answer.status !== 200) throw new Error(`the list answered ${answer.status}`)
    const body = await answer.json() as ListPage
    items.push(...body.items)
    pages = body.total_pages
  }
  return items
}
