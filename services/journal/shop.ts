import { dirname } from 'node:path'
import type { Logger } from '../logger.ts'
import type { FileAction } from './actions.ts'
import type { JournalDisk } from './disk.ts'

/** What the actions of one unit work with. */
export interface Shop {
  disk: JournalDisk
  logger: Logger
  /** Bytes of a small file by hash: the new ones while the operation runs, the kept ones always. */
  bytes (sha256: string): Buffer | undefined
  /** The unit's temporary file in a directory: the same in every process, so that recovery finds it. */
  temporary (directory: string): string
  /** Makes a directory in the trash ready to take files. */
  openTrash (directory: string): Promise<void>
}

export type ActionState =
  /** Not begun. */
  | 'open'
  /** An empty file holds the target's name. */
  | 'placeholder'
  /** The new name is there, the old one too. */
  | 'half'
  | 'done'
  /** Someone else's file is in the way, or the source is not what it was. */
  | 'blocked'
  /** Neither here nor there: removed by someone, or the disk is away. */
  | 'gone'

/** A name that `isOwnTempName` knows: what recovery should miss, the clean-up of temporary files takes. */
export function temporaryName (operation: string, unit: number): string {
  return `.step-${unit}.${operation.slice(0, 16)}.modelshelf-tmp`
}

/** Removes what an ended process may have left of a copy or of new content. */
export async function clearTemporaries (shop: Shop, actions: readonly FileAction[]): Promise<void> {
  const paths = actions.flatMap((action) => [action.from, action.to]).filter((path) => path !== null)
  for (const directory of new Set(paths.map((path) => dirname(path)))) {
    const temporary = shop.temporary(directory)
    if (await shop.disk.lstat(temporary) !== null) await shop.disk.unlink(temporary)
  }
}
