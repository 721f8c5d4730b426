import { unlink, writeFile } from 'node:fs/promises'
import type { ChosenMedia } from '../civitai/preview-choice.ts'
import { ownTempPath } from '../files/atomic-write.ts'
import { preparePreview } from '../images/preview.ts'
import type { Door } from '../network/types.ts'

/** A finished preview under a temporary name in the folder of the model to come. */
export interface FetchedPreview { file: string, extension: string, nsfwLevel: number }

export interface PreviewFetchDeps {
  door: Pick<Door, 'fetchPublic'>
  warn (message: string, error: unknown): void
}

const MOST_BYTES = 50 * 1024 * 1024
const MOST_MS = 30_000

/** Fetches the preview of a model to come, the smaller rendition first; null when there is none to be had: no reason to load no model. */
export async function fetchPreview ({ door, warn }: PreviewFetchDeps, media: ChosenMedia | null, target: string, signal: AbortSignal): Promise<FetchedPreview | null> {
  if (!media) return null
  const limited = AbortSignal.any([signal, AbortSignal.timeout(MOST_MS)])
  for (const url of [media.smaller, media.url]) {
    if (url === null) continue
    try {
      const { body } = await door.fetchPublic(url, { maxBytes: MOST_BYTES, signal: limited })
      return { ...await prepared(body, target), nsfwLevel: media.nsfwLevel }
    } catch (error) {
      signal.throwIfAborted()
      warn('the preview of a download could not be had', error)
    }
  }
  return null
}

async function prepared (body: Buffer, target: string): Promise<{ file: string, extension: string }> {
  const raw = ownTempPath(target)
  await writeFile(raw, body, { flag: 'wx' })
  try {
    const { extension, data } = await preparePreview(raw)
    if (data === null) return { file: raw, extension }
    const file = ownTempPath(target)
    await writeFile(file, data, { flag: 'wx' })
    await unlink(raw)
    return { file, extension }
  } catch (error) {
    await unlink(raw)
    throw error
  }
}

/** Removes a preview that nobody needs any more. */
export async function dropPreview (preview: FetchedPreview | null): Promise<void> {
  if (!preview) return
  await unlink(preview.file).catch((error: NodeJS.ErrnoException) => { if (error.code !== 'ENOENT') throw error })
}
