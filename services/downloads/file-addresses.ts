import type { CivitaiFileDocument, CivitaiVersionDocument } from '../civitai/schema.ts'

/**
 * Where a file can be had, in the order in which it is tried. `normalise` brings addresses of CivitAI to its one download host.
 * `source` `civarchive`: mirrors elsewhere come before CivitAI's.
 */
export function fileAddresses (file: CivitaiFileDocument, version: CivitaiVersionDocument, source: string | null, normalise: (address: string) => string): string[] {
  const mirrors = (file.mirrors ?? []).flatMap(({ url, deletedAt }) => url && !deletedAt ? [normalise(url)] : [])
  if (source === 'civarchive') mirrors.sort((a, b) => Number(isCivitai(a)) - Number(isCivitai(b)))
  const own = file.downloadUrl ?? (file.primary === true ? version.downloadUrl : undefined)
  const found = mirrors.length > 0 ? mirrors : own ? [normalise(own)] : []
  return [...new Set(found)].filter((url) => URL.canParse(url))
}

function isCivitai (url: string): boolean {
  return URL.canParse(url) && /(?:^|\.)civitai\.(?:com|red|green)$/.test(new URL(url).hostname)
}
