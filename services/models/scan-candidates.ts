import { isBelow, type Listing, type Walk } from '../files/walk.ts'
import { longestMatchingRoot } from '../files/safe-path.ts'
import { isOwnTempName } from '../files/atomic-write.ts'
import type { KnownTable } from './known-table.ts'
import type { ScanRequest } from './scan-types.ts'
import { modelTypeByName } from './types.ts'

/** A name with a model extension that a walk met. */
export interface Candidate {
  listing: Listing
  name: string
  path: string
  isLink: boolean
  /** Line of its row in the known table. */
  line: number | undefined
}

export interface Candidates {
  /** Regular files first, then links, each in the order of the walk. */
  all: Candidate[]
  /** Lines of the rows whose files were not met although the scan looked where they should be. */
  missing: number[]
  /** Index of the root that a line belongs to, -1 when it belongs to none that is configured. */
  rootOf (line: number): number
}

/** Puts what was listed and what is known side by side. */
export function collectCandidates (walk: Walk, request: ScanRequest, known: KnownTable): Candidates {
  const regular: Candidate[] = []
  const links: Candidate[] = []
  const extensions = new Set(modelTypeByName(request.type).extensions)
  const met = new Uint8Array(known.size)
  for (const listing of walk.listings) {
    const unfinished = new Set(listing.names.filter((name) => name.endsWith('.aria2')))
    for (const name of listing.names) {
      if (!hasExtension(name, extensions) || name.startsWith('._') || isOwnTempName(name) || unfinished.has(`${name}.aria2`)) continue
      const path = `${listing.path}/${name}`
      const line = known.at(path)
      if (line !== undefined) met[line] = 1
      const isLink = listing.links.length > 0 && listing.links.includes(name)
      ;(isLink ? links : regular).push({ listing, name, path, isLink, line })
    }
  }
  const rootOf = createRootFinder(request, known)
  return { all: links.length === 0 ? regular : regular.concat(links), missing: findMissing(walk, request, known, met, rootOf), rootOf }
}

function hasExtension (name: string, extensions: ReadonlySet<string>): boolean {
  const dot = name.lastIndexOf('.')
  return dot > 0 && extensions.has(name.slice(dot).toLowerCase())
}

function createRootFinder (request: ScanRequest, known: KnownTable): (line: number) => number {
  const byId = new Map(request.roots.map((root, index) => [root.id, index]))
  return (line) => {
    const index = byId.get(known.rootId(line))
    if (index !== undefined) return index
    const holder = longestMatchingRoot(request.roots, known.path(line))
    return holder ? request.roots.indexOf(holder) : -1
  }
}

function findMissing (walk: Walk, request: ScanRequest, known: KnownTable, met: Uint8Array, rootOf: (line: number) => number): number[] {
  // A linked directory that shows nothing may be a mount that is away: what is known below it stays.
  const away = walk.unread.map((unread) => unread.path).concat(walk.listings.filter((listing) => listing.linked && listing.empty).map((listing) => listing.path))
  const listed = request.directories === null ? null : new Set(walk.listings.map((listing) => listing.path))
  const missing: number[] = []
  for (let line = 0; line < known.size; line++) {
    if (met[line] === 1) continue
    const path = known.path(line)
    const root = request.roots[rootOf(line)]
    if (root?.hung) continue
    if (isBelow(path, away) && !root?.accepted) continue
    if (listed && !listed.has(path.slice(0, path.lastIndexOf('/'))) && !isBelow(path, walk.gone)) continue
    missing.push(line)
  }
  return missing
}
