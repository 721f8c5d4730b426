import type { IndexedModel } from './entry.ts'
import type { DirectoryNames } from './preview-file.ts'
import type { ModelType } from './types.ts'
import type { Root } from '../files/types.ts'
import { PathOutsideLibraryError } from '../errors.ts'
import { INFO_EXTENSION, fieldsFromInfo, fillFromInfo, parseCivitaiInfo } from './civitai-info.ts'
import { newSidecar } from './default-sidecar.ts'
import { entryFromDocument, type FileFacts } from './entry-from-document.ts'
import { headerAutov3, headerBaseModel } from './header-facts.ts'
import { forwardSlashes, modelName } from './model-name.ts'
import { isObject, readText } from './read-value.ts'
import { readSafetensorsHeader } from './safetensors.ts'
import { SIDECAR_EXTENSION, parseSidecar } from './sidecar-file.ts'

/** File systems allow this many bytes in a name; a sidecar whose name is longer cannot be written. */
const MAX_NAME_BYTES = 255

export interface ModelFiles {
  type: ModelType
  root: Root
  /** Path of the model file in the user's spelling, below the root. */
  path: string
  stat: { size: number, mtimeMs: number }
  /** Listing of the model's directory, see createPreviewFinder. */
  directoryNames: DirectoryNames
  /** Bytes of the sidecar, undefined when there is none; may throw when it cannot be read. */
  readSidecar: () => Buffer | undefined
  /** Bytes of `<stem>.civitai.info`; called only when it is needed. */
  readInfo: () => Buffer | undefined
  /** SHA-256 computed by us from the file as it is now (same size and mtime), if any. */
  knownSha?: string | undefined
  /** Milliseconds since the epoch; becomes the import time of a model without a sidecar. */
  now: number
  /** Size and mtime of a file of the directory, for `preview_version`; without it that stays "". */
  previewStat?: ((name: string) => { size: number, mtimeMs: number } | undefined) | undefined
  /** False: never open the model file (slow volumes); AutoV3 and base model then wait. Default true. */
  readHeader?: boolean | undefined
}

export interface Described {
  entry: Omit<IndexedModel, 'id'>
  /** The sidecar's content, corrected where the disk knows better, or what a new sidecar is to hold; null when it is broken. */
  document: Record<string, unknown> | null
  /** The sidecar's bytes as they were read. */
  raw: Buffer | null
  sidecarMissing: boolean
  /** The document should be written: the sidecar is missing, or was completed or corrected. Never for a broken one. */
  shouldWriteSidecar: boolean
  /** For the log: what was wrong with the files, or null. */
  warning: string | null
}

/**
 * Turns the files of one model into an entry. Synchronous, for scan workers. The model file is opened only when the sidecar is
 * missing or broken, or has never recorded an AutoV3. A sidecar that cannot be used is left alone and the model stays visible.
 */
export function describeModel (files: ModelFiles): Described {
  const { directory, stem } = modelName(files.path)
  const context: Context = { files, directory, stem, folder: folderOf(files.root, files.path, directory) }
  const sidecar = readSidecar(files)
  if (sidecar === undefined) return describeNew(context)
  if ('error' in sidecar) return describeBroken(context, sidecar)
  return describeKnown(context, sidecar.document, sidecar.raw)
}

interface Context { files: ModelFiles, directory: string, stem: string, folder: string }

/** Folder relative to the root, compared by whole components: `/m/lora2` is not below `/m/lora`. */
function folderOf (root: Root, path: string, directory: string): string {
  const base = root.path.endsWith('/') ? root.path.slice(0, -1) : root.path
  if (!path.startsWith(base) || path[base.length] !== '/') throw new PathOutsideLibraryError()
  return directory.length > base.length ? directory.slice(base.length + 1) : ''
}

function readSidecar (files: ModelFiles): { document: Record<string, unknown>, raw: Buffer } | { error: string, raw: Buffer | null } | undefined {
  let raw: Buffer | undefined
  try {
    raw = files.readSidecar()
  } catch (error) {
    // Unreadable is not missing: a new sidecar must not take its place.
    return { error: `the sidecar cannot be read (${error instanceof Error && 'code' in error ? String(error.code) : 'unknown fault'})`, raw: null }
  }
  return raw && { ...parseSidecar(raw), raw }
}

/** The usual case, so it does the least: one parse, one entry. */
function describeKnown (context: Context, document: Record<string, unknown>, raw: Buffer): Described {
  const { files, directory, stem } = context
  let changed = false
  let warning: string | null = null
  if (isEmpty(document.civitai) && files.directoryNames.has(stem + INFO_EXTENSION)) {
    const info = parseCivitaiInfo(files.readInfo())
    if (info && !isEmpty(info)) {
      fillFromInfo(document, info)
      changed = true
    }
  }
  if (typeof document.file_name === 'string' && document.file_name !== stem) changed = true
  document.file_name = stem
  document.file_path = files.path
  const recorded = forwardSlashes(readText(document.preview_url))
  const preview = currentPreview(files.directoryNames, recorded, directory, stem)
  // Another mount point alone is no reason to write: two machines on one share would correct each other for ever.
  if (preview.name && preview.name !== recorded.slice(recorded.lastIndexOf('/') + 1)) changed = true
  if (preview.name) document.preview_url = preview.path
  const entry = entryFromDocument(document, fileFacts(context, preview))
  if (entry.autov3 === null) {
    const header = factsOfHeader(files)
    warning = header.error
    entry.autov3 = header.autov3
  }
  if (entry.autov3 !== null) document.autov3 = entry.autov3 || null
  return { entry, document, raw, sidecarMissing: false, shouldWriteSidecar: changed, warning }
}

function describeNew (context: Context): Described {
  const { files, stem } = context
  const preview = currentPreview(files.directoryNames, '', context.directory, stem)
  const info = files.directoryNames.has(stem + INFO_EXTENSION) ? parseCivitaiInfo(files.readInfo()) : null
  const { document, warning } = makeDocument(context, preview.path, files.now / 1000, info)
  const entry = entryFromDocument(document, fileFacts(context, preview))
  if (entry.sha256 !== document.sha256) document.sha256 = entry.sha256
  document.hash_status = entry.hash_status
  const writable = Buffer.byteLength(stem) + SIDECAR_EXTENSION.length <= MAX_NAME_BYTES
  return { entry, document, raw: null, sidecarMissing: true, shouldWriteSidecar: writable, warning }
}

/** Listed from what file name, header and stat tell; the time is the file's, so that it is the same after every scan. */
function describeBroken (context: Context, sidecar: { error: string, raw: Buffer | null }): Described {
  const { files } = context
  const preview = currentPreview(files.directoryNames, '', context.directory, context.stem)
  const { document } = makeDocument(context, preview.path, files.stat.mtimeMs / 1000, null)
  const entry = entryFromDocument(document, fileFacts(context, preview))
  entry.metadata_error = sidecar.error
  return { entry, document: null, raw: sidecar.raw, sidecarMissing: false, shouldWriteSidecar: false, warning: sidecar.error }
}

function makeDocument (context: Context, preview: string, modified: number, info: Record<string, unknown> | null): { document: Record<string, unknown>, warning: string | null } {
  const { files, stem } = context
  const { type, root, path, stat } = files
  const subType = type.name === 'lora' ? null : root.subType ?? type.defaultSubType
  const told = info && fieldsFromInfo(info, stat.size)
  const header = told?.autov3 === undefined ? factsOfHeader(files) : { autov3: null, baseModel: null, error: null }
  const document = newSidecar({ type: type.name, path, stem, size: stat.size, modified, fromCivitai: type.fromCivitaiByDefault, preview, subType }, {
    ...(header.baseModel && { base_model: header.baseModel }),
    ...(header.autov3 !== null && { autov3: header.autov3 || null }),
    ...told,
    ...(type.name === 'checkpoint' && { sub_type: subType })
  })
  return { document, warning: header.error }
}

interface FoundHeader { autov3: string | null, baseModel: string | null, error: string | null }

/** Other formats than safetensors have no header to look into: looked for and absent. */
function factsOfHeader (files: ModelFiles): FoundHeader {
  const { extension } = modelName(files.path)
  if (extension !== '.safetensors' && extension !== '.sft') return { autov3: '', baseModel: null, error: null }
  if (files.readHeader === false) return { autov3: null, baseModel: null, error: null }
  const header = readSafetensorsHeader(files.path)
  if ('error' in header) return { autov3: null, baseModel: null, error: header.error }
  return { autov3: headerAutov3(header.metadata), baseModel: headerBaseModel(header.metadata), error: null }
}

interface Preview { path: string, name: string | null }

/** The recorded preview while it lies beside the model; else what is found there; else the recorded one of another directory. */
function currentPreview (names: DirectoryNames, recorded: string, directory: string, stem: string): Preview {
  const slash = recorded.lastIndexOf('/')
  const beside = slash === directory.length && recorded.startsWith(directory)
  const recordedName = recorded.slice(slash + 1)
  if (recorded && names.has(recordedName) && (beside || recordedName.startsWith(`${stem}.`))) {
    return { path: beside ? recorded : `${directory}/${recordedName}`, name: recordedName }
  }
  const found = names.find(stem)
  if (found !== undefined) return { path: `${directory}/${found}`, name: found }
  return { path: beside ? '' : recorded, name: null }
}

function fileFacts (context: Context, preview: Preview): FileFacts {
  const { type, root, path, stat, knownSha, previewStat } = context.files
  const seen = preview.name === null ? undefined : previewStat?.(preview.name)
  const previewVersion = seen ? `${Math.round(seen.mtimeMs * 1000).toString(36)}-${seen.size.toString(36)}` : ''
  return { type, root, path, stem: context.stem, folder: context.folder, stat, preview: preview.path, previewVersion, knownSha }
}

function isEmpty (value: unknown): boolean {
  return !isObject(value) || Object.keys(value).length === 0
}
