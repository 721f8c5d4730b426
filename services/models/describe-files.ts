import { readFileSync, type Stats } from 'node:fs'
import { describeModel, type Described } from './describe-model.ts'
import { isSameContent, statFile } from './file-changes.ts'
import type { HashLedger } from './hash-ledger.ts'
import type { DescribeFile, FoundFile } from './scan-types.ts'
import type { SidecarOverlay } from './sidecar-overlay.ts'
import { readText } from './read-value.ts'
import type { KnownModel } from './store.ts'
import type { StoredModel } from './stored-model.ts'
import { modelTypeByName } from './types.ts'

/** A row, and the document that its sidecar should hold. */
export interface DescribedFile { row: StoredModel, document: Record<string, unknown> | null }

/**
 * Describes files on the disk as rows, with the hashes that are already known. Reads the sidecar, and the header where it must.
 * What the user edited where no sidecar can be written stands in the overlay, and counts instead.
 * The bytes of the sidecar are those that `read` answers.
 */
export function createDescriber (ledger: Pick<HashLedger, 'find'>, now: () => number, overlay?: Pick<SidecarOverlay, 'find'>, read: (path: string, size: number) => Buffer = readFileWhole): DescribeFile & { withDocument: (...input: Parameters<DescribeFile>) => DescribedFile } {
  function withDocument (file: FoundFile, known: KnownModel | undefined, inherited: Uint8Array | null): DescribedFile {
    const computed = ledger.find({ path: file.path, size: file.stats.size, mtimeMs: file.stats.mtimeMs, dev: file.stats.dev, ino: file.stats.ino })
    const edited = overlay?.find(file.root.type, file.path, { file: file.stats, sidecar: file.sidecar?.stats ?? null })
    const seen = new Map<string, Stats | undefined>()
    const described = describeModel({
      type: modelTypeByName(file.root.type),
      root: file.root,
      path: file.path,
      stat: file.stats,
      directoryNames: file.names,
      readSidecar: () => edited ?? (file.sidecar ? read(file.sidecar.path, file.sidecar.stats.size) : inherited === null ? undefined : Buffer.from(inherited)),
      readInfo: () => file.info ? readFileSync(file.info.path) : undefined,
      knownSha: computed?.sha256,
      // The import time of a model without a sidecar is the time it was first seen.
      now: known && known.sidecar_mtime === null ? known.modified * 1000 : now(),
      previewStat (name) {
        const stats = statFile(`${file.directory}/${name}`)
        seen.set(`${file.directory}/${name}`, stats)
        return stats
      }
    })
    settleHash(described, file, known, computed)
    const { entry, document } = described
    const saysOtherHash = document !== null && entry.sha256 !== '' && readText(document.sha256).trim().toLowerCase() !== entry.sha256
    if (document) takeHash(document, entry)
    const preview = entry.preview_url === '' ? undefined : seen.get(entry.preview_url) ?? statFile(entry.preview_url)
    const sidecar = document && described.raw
    return {
      document,
      row: {
        model: entry,
        facts: {
          file_size: file.stats.size,
          file_mtime: file.stats.mtimeMs,
          file_inode: file.stats.ino,
          file_dev: file.stats.dev,
          sidecar_size: file.sidecar?.stats.size ?? null,
          sidecar_mtime: file.sidecar?.stats.mtimeMs ?? null,
          info_mtime: file.info?.stats.mtimeMs ?? null,
          preview_size: preview?.size ?? null,
          preview_mtime: preview?.mtimeMs ?? null
        },
        sidecar,
        bare: described.sidecarMissing,
        due: described.shouldWriteSidecar || (saysOtherHash && !described.sidecarMissing) || (inherited !== null && !file.sidecar) || edited !== undefined
      }
    }
  }
  return Object.assign<DescribeFile, { withDocument: typeof withDocument }>((...input) => withDocument(...input).row, { withDocument })
}

const readFileWhole = (path: string): Buffer => readFileSync(path)

/** Which hash counts: one computed from these bytes; else the sidecar's, unless the file was replaced after it was written. */
function settleHash (described: Described, file: FoundFile, known: KnownModel | undefined, computed: { sha256: string, autov3: string | null } | undefined): void {
  const { entry } = described
  if (computed) {
    const differs = entry.sha256 !== computed.sha256
    entry.sha256 = computed.sha256
    entry.hash_status = 'completed'
    if (differs || entry.autov3 === null || entry.autov3 === '') entry.autov3 = computed.autov3 ?? (differs ? null : entry.autov3)
    return
  }
  if (!known) return
  if (isSameContent(known, file.stats)) {
    if (entry.sha256 === '' && known.sha256 !== '') {
      entry.sha256 = known.sha256
      entry.hash_status = known.hash_status
    }
    entry.autov3 ||= known.autov3 ?? entry.autov3
    return
  }
  const saidSince = known.sidecar_mtime !== (file.sidecar?.stats.mtimeMs ?? null) && entry.sha256 !== known.sha256 && entry.size === file.stats.size
  if (saidSince) return
  entry.sha256 = ''
  entry.autov3 = null
  entry.hash_status = 'pending'
}

/** What the sidecar is to say of the file's hashes; the rest of it stays. */
function takeHash (document: Record<string, unknown>, entry: Described['entry']): void {
  document.sha256 = entry.sha256
  document.hash_status = entry.hash_status
  if (entry.autov3 === null) delete document.autov3
  else document.autov3 = entry.autov3 || null
}
