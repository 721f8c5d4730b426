import { createTimedClient } from '../http-client.ts'
import { hasProgram, ratio } from '../load-generator.ts'
import { atLeast, type Measurement } from '../measurement.ts'
import { startBaseline, startNginx } from '../reference-servers.ts'
import type { Part } from './context.ts'

interface List { items: { preview_url: string }[] }

/** One preview of 30 to 100 KB against nginx sending the same file, and its 304 against a constant answer. */
export const previews: Part = async ({ models, library, server, scratch, load }) => {
  const client = createTimedClient(server.base)
  try {
    const { items } = await client.json<List>('/api/lm/loras/list?page_size=100')
    const path = items.find((item) => item.preview_url !== '')?.preview_url
    if (path === undefined) throw new Error('no preview on the first page')
    const { body, status, headers } = await client.get(path)
    if (status !== 200) throw new Error(`the preview answered ${status}`)
    const url = new URL(path, server.base)
    return [
      ...await againstNginx({ url, pid: server.pid, body, directory: library.directory, scratch, models, load }),
      await revalidated({ url, pid: server.pid, body, etag: String(headers.etag), type: String(headers['content-type']), scratch, models, load })
    ]
  } finally {
    client.close()
  }
}

interface Preview { url: URL, pid: number, body: Buffer, scratch: string, models: number, load: Parameters<typeof ratio>[0] }

async function againstNginx ({ url, pid, body, directory, scratch, models, load }: Preview & { directory: string }): Promise<Measurement[]> {
  if (!await hasProgram('nginx')) {
    process.stdout.write('  previews against nginx: skipped, nginx is not installed\n')
    return []
  }
  const nginx = await startNginx(scratch, directory)
  try {
    const file = url.searchParams.get('path') ?? ''
    const relative = file.slice(directory.length).split('/').map(encodeURIComponent).join('/')
    const result = await ratio(load, { url: url.href, pid }, { url: nginx.base + relative, pid: nginx.pid })
    return [{ part: 'previews', name: 'preview, of nginx', models, value: result.ratio, unit: 'ratio', goal: atLeast(0.3), note: `${Math.round(result.ours)} of ${Math.round(result.reference)} requests/s, ${body.length} bytes` }]
  } finally {
    await nginx.stop()
  }
}

async function revalidated ({ url, pid, body, etag, type, scratch, models, load }: Preview & { etag: string, type: string }): Promise<Measurement> {
  const baseline = await startBaseline(scratch, body, type)
  try {
    const result = await ratio(load, { url: url.href, pid, headers: { 'if-none-match': etag } }, { url: baseline.base, pid: baseline.pid })
    return { part: 'previews', name: 'preview 304, of a constant 200 of its bytes', models, value: result.ratio, unit: 'ratio', goal: atLeast(0.75), note: `${Math.round(result.ours)} of ${Math.round(result.reference)} requests/s` }
  } finally {
    await baseline.stop()
  }
}
