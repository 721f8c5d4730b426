/** Endings of preview files in the order in which they are looked for; the last two only when nothing else is there. */
export const PREVIEW_EXTENSIONS: readonly string[] = [
  '.webp', '.preview.webp', '.preview.png', '.preview.jpeg', '.preview.jpg', '.preview.mp4',
  '.png', '.jpeg', '.jpg', '.mp4', '.gif', '.webm', '.avif', '.jxl', '.example.0.jpeg', '.mov', '.avi'
]

/** What media files are served as. */
export const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
  '.gif': 'image/gif',
  '.avif': 'image/avif',
  '.jxl': 'image/jxl',
  '.mp4': 'video/mp4',
  '.webm': 'video/webm',
  '.mov': 'video/quicktime',
  '.avi': 'video/x-msvideo'
}

const rankOf: ReadonlyMap<string, number> = new Map(PREVIEW_EXTENSIONS.map((extension, rank) => [extension, rank]))
const LATE_RANK = rankOf.get('.mov') ?? Infinity

function lastExtension (name: string): string {
  const dot = name.lastIndexOf('.')
  return dot < 0 ? '' : name.slice(dot)
}

/** Media type of a file by its extension, or undefined for anything that is not served as media. */
export function mediaType (name: string): string | undefined {
  const extension = lastExtension(name).toLowerCase()
  return Object.hasOwn(MEDIA_TYPES, extension) ? MEDIA_TYPES[extension] : undefined
}

export function isMediaFile (name: string): boolean {
  return mediaType(name) !== undefined
}

/** The preview ending of a file name as it is spelled there, compound forms (`.preview.png`) before plain ones; "" when it has none. */
export function previewExtension (name: string): string {
  const endings = endingsOf(name)
  return endings[endings.length - 1] ?? ''
}

/** All preview endings a name may be read with: `a.preview.png` is the preview of `a` and of `a.preview`. */
function endingsOf (name: string): string[] {
  const plain = lastExtension(name)
  const lower = plain.toLowerCase()
  if (!Object.hasOwn(MEDIA_TYPES, lower)) return []
  const endings = rankOf.has(lower) ? [plain] : []
  const rest = name.length - plain.length
  const marker = lower === '.jpeg' && endsWith(name, '.example.0', rest) ? '.example.0' : '.preview'
  if (endsWith(name, marker, rest) && rankOf.has(marker + lower)) endings.push(name.slice(rest - marker.length))
  return endings
}

function endsWith (name: string, lowerMarker: string, end: number): boolean {
  return name.slice(Math.max(0, end - lowerMarker.length), end).toLowerCase() === lowerMarker
}

/** What describing a model needs to know of its directory's listing. */
export interface DirectoryNames {
  has (name: string): boolean
  /** File name of the preview of the model with this stem: exact case first, then without regard to case. */
  find (stem: string): string | undefined
}

interface Ranked { rank: number, name: string }

/**
 * Looks previews up in a directory listing. The names are sorted by stem once per directory, at the first question,
 * so that a model costs one look-up however many files lie beside it.
 */
export function createPreviewFinder (names: ReadonlySet<string>): DirectoryNames {
  let exact: Map<string, Ranked> | undefined
  let folded: Map<string, Ranked> | undefined
  return {
    has: (name) => names.has(name),
    find (stem) {
      exact ??= rankNames(names, false)
      const spelled = exact.get(stem)
      if (spelled && spelled.rank < LATE_RANK) return spelled.name
      folded ??= rankNames(names, true)
      const alike = folded.get(stem.toLowerCase())
      return (alike && (alike.rank < LATE_RANK || !spelled) ? alike : spelled)?.name
    }
  }
}

function rankNames (names: ReadonlySet<string>, fold: boolean): Map<string, Ranked> {
  const best = new Map<string, Ranked>()
  for (const name of names) {
    for (const ending of endingsOf(name)) {
      const rank = rankOf.get(fold ? ending.toLowerCase() : ending)
      if (rank === undefined) continue
      const stem = name.slice(0, name.length - ending.length)
      const key = fold ? stem.toLowerCase() : stem
      const known = best.get(key)
      // Listings come in any order; names that differ in case only are taken in code-unit order.
      if (!known || rank < known.rank || (rank === known.rank && name < known.name)) best.set(key, { rank, name })
    }
  }
  return best
}

/** The preview of one model in a listing; for many models of a directory make a finder. */
export function findPreview (stem: string, names: ReadonlySet<string>): string | undefined {
  return createPreviewFinder(names).find(stem)
}
