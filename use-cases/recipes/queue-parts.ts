import { randomUUID } from 'node:crypto'
import { DomainError } from '../../services/errors.ts'
import type { Downloads } from '../../services/downloads/ports.ts'
import type { DownloadRequest, DownloadView } from '../../services/downloads/types.ts'
import type { MissingPart } from '../../services/recipes/collect-missing.ts'
import type { PartOffer } from '../../services/recipes/part-offers.ts'

type Available = PartOffer & { state: 'available' }

export interface QueuedParts { downloads: DownloadView[], skipped: { key: string, reason: string }[] }

const unfinished = ['queued', 'running', 'paused'] as const

/** What is on its way already is not queued again; when the queue is full, the rest is told. */
export function queueParts (downloads: Pick<Downloads, 'enqueue' | 'list'>, wanted: readonly { part: MissingPart, offer: PartOffer | undefined }[]): QueuedParts {
  const under = new Set(unfinished.flatMap((state) => downloads.list({ limit: 1000, state }).items.map(({ request }) => request.model_version_id)))
  const queued: DownloadView[] = []
  const skipped: { key: string, reason: string }[] = []
  let full: string | null = null
  for (const { part: { key }, offer } of wanted) {
    const reason = full ?? whyNot(offer, under)
    if (reason !== null || offer?.state !== 'available') {
      skipped.push({ key, reason: reason ?? 'unknown' })
      continue
    }
    try {
      queued.push(downloads.enqueue(requestOf(offer), offer.name))
      under.add(offer.versionId)
    } catch (error) {
      if (!(error instanceof DomainError) || error.kind !== 'unavailable') throw error
      full = error.code
      skipped.push({ key, reason: full })
    }
  }
  return { downloads: queued, skipped }
}

/** Not to be had without paying, for a while. */
export function isEarly ({ earlyAccessUntil }: Available): boolean {
  return earlyAccessUntil !== null && Date.parse(earlyAccessUntil) > Date.now()
}

function whyNot (offer: PartOffer | undefined, under: ReadonlySet<number | null>): string | null {
  if (offer?.state !== 'available') return offer?.state === 'unknown' ? offer.reason : offer?.state ?? 'unknown'
  if (isEarly(offer)) return 'early-access'
  return under.has(offer.versionId) ? 'on-its-way' : null
}

function requestOf (offer: Available): DownloadRequest {
  return {
    download_id: randomUUID(),
    provider: 'civitai',
    model_id: offer.modelId,
    model_version_id: offer.versionId,
    repo: null,
    filename: null,
    revision: null,
    model_root: null,
    relative_path: '',
    use_default_paths: true,
    use_save_dir_as_root: false,
    source: offer.source === 'civarchive' ? 'civarchive' : null,
    file_params: offer.fileId === null ? null : { id: offer.fileId },
    replaces: null
  }
}
