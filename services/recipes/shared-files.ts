import { createReadStream, mkdirSync, rmSync } from 'node:fs'
import { copyFile, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { extname } from 'node:path'
import type { Readable } from 'node:stream'
import { NotFoundError } from '../errors.ts'
import { embedRecipeMetadata } from './embed-recipe-metadata.ts'
import type { Recipe } from './ports.ts'
import { isVideoFile } from './recipe-file.ts'
import { shareName } from './share-name.ts'

/** Copies of recipe images that may be downloaded for a while. */
export interface SharedFiles {
  /** A new share of a recipe takes the place of the one before. @throws NotFoundError without an image */
  share (recipe: Recipe): Promise<{ filename: string }>
  /** @throws NotFoundError when nothing is shared, or no longer */
  open (id: string): Promise<{ filename: string, size: number, body: Readable }>
  close (): void
}

interface Shared { path: string, filename: string, until: number }

interface SharedFilesDeps {
  /** Ours alone; emptied at the start and at the end. */
  directory: string
  /** Milliseconds that never jump. */
  now: () => number
  ttlMs?: number
}

const TTL_MS = 300_000

export function createSharedFiles ({ directory, now, ttlMs = TTL_MS }: SharedFilesDeps): SharedFiles {
  const shared = new Map<string, Shared>()
  rmSync(directory, { recursive: true, force: true })

  async function forget (id: string): Promise<void> {
    const former = shared.get(id)
    shared.delete(id)
    if (former) await rm(former.path, { force: true })
  }

  async function forgetExpired (): Promise<void> {
    for (const [id, { until }] of shared) if (until <= now()) await forget(id)
  }

  return {
    async share ({ document, imagePath }) {
      await forgetExpired()
      const extension = extname(imagePath).toLowerCase()
      mkdirSync(directory, { recursive: true })
      const path = `${directory}/${randomUUID()}${extension}`
      await copyImage(imagePath, path, document)
      await forget(document.id)
      const filename = shareName(document.title, document.id, extension)
      shared.set(document.id, { path, filename, until: now() + ttlMs })
      return { filename }
    },
    async open (id) {
      await forgetExpired()
      const found = shared.get(id)
      const stats = found && await stat(found.path).catch(() => null)
      if (!found || !stats) {
        await forget(id)
        throw new NotFoundError('The shared recipe is not there (any more); share it again', 'share-expired')
      }
      return { filename: found.filename, size: stats.size, body: createReadStream(found.path) }
    },
    close () { rmSync(directory, { recursive: true, force: true }) }
  }
}

/** The image with the recipe inside as it is now, where it can carry one. */
async function copyImage (from: string, to: string, document: Recipe['document']): Promise<void> {
  try {
    if (isVideoFile(from)) return await copyFile(from, to)
    const bytes = await readFile(from)
    await writeFile(to, await embedRecipeMetadata(bytes, document) ?? bytes)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(String((error as NodeJS.ErrnoException).code))) throw new NotFoundError('The image of the recipe is not there', 'recipe-image-missing')
    throw error
  }
}
