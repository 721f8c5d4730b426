import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'

export interface StaticFile {
  body: Buffer
  contentType: string
  etag: string
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.webp': 'image/webp'
}

const PACKAGE_ROOT = join(import.meta.dirname, import.meta.url.endsWith('.ts') ? '../..' : '../../..')

export const staticDirectory = join(PACKAGE_ROOT, 'web', 'static')

export function staticFile (name: string, body: Buffer): StaticFile {
  const contentType = CONTENT_TYPES[extname(name)] ?? 'application/octet-stream'
  return { body, contentType, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 16)}"` }
}

/**
 * All files below a folder of ours, by `/`-separated path. They are few and small, so they live in memory,
 * and a request can name nothing else.
 */
export async function loadStaticFiles (directory: string): Promise<Map<string, StaticFile>> {
  const files = new Map<string, StaticFile>()
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    files.set(relative(directory, path).split(sep).join('/'), staticFile(entry.name, await readFile(path)))
  }
  return files
}
