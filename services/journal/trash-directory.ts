import { dirname } from 'node:path'
import { isOwnTempName } from '../files/atomic-write.ts'
import type { Logger } from '../logger.ts'
import type { Action, PlannedUnit } from './actions.ts'
import type { JournalDisk } from './disk.ts'
import { errnoOf } from './disk.ts'
import type { JournalStore, OperationRow } from './store.ts'

export const MANIFEST = 'manifest.json'

interface ManifestItem { name: string, original: string, size: number }

interface TrashDeps { disk: JournalDisk, logger: Logger, store: JournalStore }

/** Directories in the trash that an operation fills (`in`) or empties (`out`), with the operation that they belong to. */
export function trashDirectories (actions: readonly Action[], way?: 'in' | 'out'): Map<string, string> {
  const directories = new Map<string, string>()
  for (const action of actions) {
    if (action.kind !== 'relocate' || !action.item || (way !== undefined && action.trash !== way)) continue
    directories.set(dirname(action.trash === 'in' ? action.to : action.from), action.item.operation)
  }
  return directories
}

/** Makes the directory and says in a manifest what is to lie in it, so that people understand it without the database. */
export function createTrashOpener (deps: TrashDeps, operation: OperationRow, units: readonly PlannedUnit[]): (directory: string) => Promise<void> {
  const opened = new Map<string, Promise<void>>()
  async function open (directory: string): Promise<void> {
    await deps.disk.mkdir(dirname(directory))
    await deps.disk.mkdir(directory)
    const items = units.flatMap((unit) => unit.actions).flatMap((action): ManifestItem[] => {
      if (action.kind !== 'relocate' || action.trash !== 'in' || !action.item || dirname(action.to) !== directory) return []
      return [{ name: String(action.item.n), original: action.from, size: action.identity.size }]
    })
    if (items.length > 0) await writeManifest(deps, directory, operation, items)
  }
  return async (directory) => {
    const opening = opened.get(directory) ?? open(directory)
    opened.set(directory, opening)
    try {
      await opening
    } catch (error) {
      opened.delete(directory)
      throw error
    }
  }
}

/** Brings the manifest up to date with what is there; an empty directory goes, and the trash itself once nothing is in it. */
export async function tidyTrash (deps: TrashDeps, directories: ReadonlyMap<string, string>): Promise<void> {
  for (const [directory, owner] of directories) {
    try {
      await tidy(deps, directory, owner).catch(() => tidy(deps, directory, owner))
    } catch (error) {
      // an empty directory that stays is no loss; the next operation that comes by tries again
      deps.logger.warn({ err: error, directory }, 'a trash directory could not be tidied, tried twice')
    }
  }
}

async function tidy (deps: TrashDeps, directory: string, owner: string): Promise<void> {
  const { disk, store } = deps
  const operation = store.read(owner)
  const items = store.trash.items(owner).filter((item) => dirname(item.path) === directory)
  if (await disk.lstat(directory) !== null) {
    if (operation && items.length > 0) {
      return writeManifest(deps, directory, operation, items.map((item) => ({ name: String(item.n), original: item.original, size: item.size })))
    }
    const names = await disk.readdir(directory)
    // a manifest whose writing was cut short leaves a temporary file
    const own = names.filter((name) => name === MANIFEST || isOwnTempName(name))
    if (own.length < names.length) return
    for (const name of own) await disk.unlink(`${directory}/${name}`)
    if (!await disk.rmdir(directory)) return
  }
  await disk.rmdir(dirname(directory))
}

async function writeManifest ({ disk, logger }: TrashDeps, directory: string, operation: OperationRow, items: readonly ManifestItem[]): Promise<void> {
  const { id, kind, summary } = operation
  const manifest = { version: 1, operation: id, kind, summary, created_at: new Date(operation.created_at).toISOString(), items }
  try {
    await disk.writeFileAtomic(`${directory}/${MANIFEST}`, `${JSON.stringify(manifest, null, 2)}\n`)
  } catch (error) {
    // files are deleted because the disk is full: the database knows what the manifest would say
    if (!['ENOSPC', 'EDQUOT'].includes(errnoOf(error))) throw error
    logger.warn({ err: error, directory }, 'no manifest could be written into the trash')
  }
}
