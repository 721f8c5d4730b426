import { readdir } from 'node:fs/promises'
import { InvalidInputError, NotFoundError, OfflineError } from '../errors.ts'
import type { DomainError } from '../errors.ts'
import type { Root } from '../files/types.ts'
import type { Step, Unit } from '../journal/types.ts'
import { companions, fileSet } from './file-set.ts'
import type { ModelLibrary } from './ports.ts'

/** One path of a request to delete, judged by what lies on the disk. */
export type Deletion =
  /** The model with what belongs to it, as one unit of the journal. */
  | { kind: 'there', path: string, unit: Unit }
  /** Its file is gone already: what is left to do is to forget it. */
  | { kind: 'vanished', path: string }
  | { kind: 'refused', path: string, error: DomainError }

export interface DeletionTarget { path: string, root: Root }

/**
 * The path inside a root of the type.
 * @throws PathOutsideLibraryError; InvalidInputError for a root itself; OfflineError when the root is away
 */
export function deletionTarget (library: Pick<ModelLibrary, 'contain' | 'isAway'>, text: string): DeletionTarget {
  const { path, root, relative } = library.contain(text)
  if (relative === '') throw new InvalidInputError('A model folder itself is never deleted', 'path-is-root')
  if (library.isAway(root.id)) throw away()
  return { path, root }
}

function away (): OfflineError {
  return new OfflineError('The disk of this model folder is away; nothing can be deleted there now')
}

/** Plans deletions one after the other; companions that two weight files share go with the last of them. */
export function createDeletionPlanner (library: Pick<ModelLibrary, 'index'>): (target: DeletionTarget) => Promise<Deletion> {
  const listings = new Map<string, Set<string>>()

  async function listing (directory: string): Promise<Set<string>> {
    const known = listings.get(directory)
    if (known) return known
    const names = new Set(await namesIn(directory))
    listings.set(directory, names)
    return names
  }

  return async ({ path, root }) => {
    const directory = path.slice(0, path.lastIndexOf('/'))
    const name = path.slice(directory.length + 1)
    const names = await listing(directory)
    if (!names.has(name)) {
      // Where the root shows nothing at all, its disk is away and the model is not gone.
      if ((await listing(root.path)).size === 0) return { kind: 'refused', path, error: away() }
      return { kind: 'vanished', path }
    }
    const model = library.index.get(path)
    if (!model) return { kind: 'refused', path, error: new NotFoundError('There is no such model', 'model-not-found') }
    const set = fileSet(name, [...names])
    const files = companions(set)
    for (const gone of [name, ...files]) names.delete(gone)
    const steps: Step[] = [
      ...files.map((companion): Step => ({ kind: 'trash', path: `${directory}/${companion}` })),
      { kind: 'trash', path, ...(model.sha256 !== '' && { sha256: model.sha256 }) }
    ]
    return { kind: 'there', path, unit: { key: path, label: model.model_name, steps } }
  }
}

async function namesIn (directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(String((error as NodeJS.ErrnoException).code))) return []
    throw error
  }
}
