import { rm } from 'node:fs/promises'
import { posix } from 'node:path'
import { DomainError } from '../errors.ts'
import { ownTempPath } from '../files/atomic-write.ts'
import { checkWeights } from './check-weights.ts'
import { safeFileName, type SafeName } from './file-name.ts'
import { checkFreeSpace, fullDisk, hasFreeSpace, type FreeSpace } from './free-space.ts'
import { openModelArchive, type ArchiveMember, type ModelArchive } from './model-archive.ts'
import { WriterLostError, type PartFiles } from './part-files.ts'
import type { DownloadPlan } from './plan.ts'
import type { TransferHooks } from './transfer.ts'

export interface UnpackDeps {
  files: Pick<PartFiles, 'open'>
  freeSpace: FreeSpace
}

/** A model out of an archive, whole and checked, under a temporary name in the folder where it is to go. */
export interface UnpackedModel extends SafeName {
  file: string
  size: number
  /** Lower-case hex. */
  sha256: string
}

type Hooks = Pick<TransferHooks, 'signal' | 'gate' | 'noRoom'>

const GATE_MS = 100
/** So much is brought to the disk at once; a stop waits no longer than for that. */
const SYNC_BYTES = 64 * 1024 * 1024

/**
 * Unpacks the models of an archive beside it, none of them under a name by which anybody would take it for a model.
 * All of them are whole when it resolves; nothing is left of them when it rejects, nor while it waits for room.
 * @throws the signal's reason; DomainError `archive-refused`, `archive-damaged`, `archive-without-model`, `file-damaged`, and `storage-full`
 * where nobody waits for room
 */
export async function unpackModels (deps: UnpackDeps, { library: { type }, directory }: Pick<DownloadPlan, 'library' | 'directory'>, path: string, hooks: Hooks): Promise<UnpackedModel[]> {
  const archive = await openModelArchive(path)
  try {
    const members = (await archive.models(type, hooks.signal)).map((member) => ({ ...member, ...safeFileName(member.name, type) }))
    const coming = members.reduce((sum, { size }) => sum + size, 0)
    for (let lost = 0; ;) {
      try {
        await checkFreeSpace(deps.freeSpace, directory, coming)
        return await unpackAll(deps, archive, members, directory, hooks)
      } catch (error) {
        hooks.signal.throwIfAborted()
        const full = fullDisk(error)
        if (full && hooks.noRoom) await hooks.noRoom(full, async () => await hasFreeSpace(deps.freeSpace, directory, coming))
        else if (!(error instanceof WriterLostError) || lost++ > 0) throw error
      }
    }
  } finally {
    archive.close()
  }
}

async function unpackAll (deps: UnpackDeps, archive: ModelArchive, members: readonly (ArchiveMember & SafeName)[], directory: string, hooks: Hooks): Promise<UnpackedModel[]> {
  const models: UnpackedModel[] = []
  try {
    for (const member of members) {
      const { stem, extension } = member
      models.push({ stem, extension, ...await unpackMember(deps, archive, member, `${directory}/${stem}${extension}`, hooks) })
    }
    return models
  } catch (error) {
    await dropUnpacked(models)
    throw error
  }
}

async function unpackMember ({ files }: UnpackDeps, archive: ModelArchive, member: ArchiveMember, target: string, hooks: Hooks): Promise<Pick<UnpackedModel, 'file' | 'size' | 'sha256'>> {
  const file = ownTempPath(target)
  try {
    const written = await write(files, file, archive.content(member), hooks)
    await checkWeights(file, posix.extname(target))
    return { file, ...written }
  } catch (error) {
    await rm(file, { force: true })
    throw error instanceof DomainError && error.code === 'file-damaged' ? new DomainError(error.kind, error.code, `${member.name} in the archive: ${error.message}`, {}, { cause: error }) : error
  }
}

/** Written and hashed in the thread that writes downloads. */
async function write (files: UnpackDeps['files'], path: string, content: AsyncIterable<Buffer>, { signal, gate }: Hooks): Promise<{ size: number, sha256: string }> {
  const file = await files.open(path, 0)
  try {
    let looked = 0
    let synced = 0
    for await (const chunk of content) {
      if (performance.now() - looked >= GATE_MS) {
        await gate()
        signal.throwIfAborted()
        looked = performance.now()
      }
      const waiting = file.push(chunk)
      if (waiting) await waiting
      if (file.written - synced >= SYNC_BYTES) synced = await file.sync()
    }
    const size = await file.sync()
    const sha256 = await file.digest()
    if (sha256 === null) throw new Error('A file that was written from its beginning has no hash')
    return { size, sha256 }
  } finally {
    await file.close()
  }
}

/** Removes what was unpacked and found no place. */
export async function dropUnpacked (models: readonly Pick<UnpackedModel, 'file'>[]): Promise<void> {
  for (const { file } of models) await rm(file, { force: true })
}
