import { isEarlyAccess, isPaid, earlyAccessEnd, type PaidAccess } from '../civitai/access.ts'
import { chosenFile, defaultFile, isDiffusionModel, kindOfModelType, sha256Of } from '../civitai/file-choice.ts'
import { choosePreview } from '../civitai/preview-choice.ts'
import type { CivitaiFileDocument, CivitaiVersionDocument } from '../civitai/schema.ts'
import { DomainError } from '../errors.ts'
import { canonicalBaseModel } from '../models/base-model-names.ts'
import type { IndexedModel } from '../models/entry.ts'
import type { ModelLibrary } from '../models/ports.ts'
import { normalAutov3 } from '../models/other-hashes.ts'
import { destinationNames } from '../network/destinations.ts'
import type { MetadataSource } from '../providers/types.ts'
import { fileAddresses } from './file-addresses.ts'
import { ARCHIVE_EXTENSION, ARCHIVE_FORMAT, safeFileName, type SafeName } from './file-name.ts'
import { findVersion } from './find-version.ts'
import type { DownloadPlan, PlanOutcome } from './plan.ts'
import type { PlanDeps } from './plan-deps.ts'
import { localVersions, sameFile } from './present-version.ts'
import { targetDirectory, type Target } from './target-directory.ts'
import type { DownloadRequest, SkippedBecause } from './types.ts'

interface Subject { version: CivitaiVersionDocument, source: MetadataSource, library: ModelLibrary, file: CivitaiFileDocument, explicit: boolean }

/** Decides what is loaded for a version of CivitAI and where it goes. @throws DomainError that says why not */
export async function planCivitai (deps: PlanDeps, request: DownloadRequest, signal: AbortSignal): Promise<PlanOutcome> {
  if (request.model_version_id !== null && request.file_params === null && request.replaces === null) {
    const present = presentAnywhere(deps, request.model_version_id)
    if (present) return present
  }
  const { version, source } = await findVersion(deps.chain, request, signal)
  const subject = subjectOf(deps, request, version, source)
  const skipped = skipRule(deps, request, subject)
  if (skipped) return { skipped }
  const { library, file } = subject
  const name = safeFileName(file.name ?? `${version.name ?? 'model'}-${version.id}`, library.type, file.type === 'Archive' ? ARCHIVE_FORMAT : file.metadata?.format ?? '')
  const same = presentFile(deps, request, subject, name)
  if (same) return presentIn(library, same.file_path)
  return { plan: planOf(deps, request, subject, name) }
}

function presentAnywhere ({ libraries }: PlanDeps, versionId: number): PlanOutcome | undefined {
  for (const library of libraries) {
    const [model] = localVersions(library, versionId)
    if (model) return presentIn(library, model.file_path)
  }
  return undefined
}

/** What the library holds already of that which is asked for. */
function presentFile (deps: PlanDeps, { replaces }: DownloadRequest, subject: Subject, { stem, extension }: SafeName): IndexedModel | undefined {
  const { version, library, file, explicit } = subject
  const local = localVersions(library, version.id).filter(({ file_path: path }) => path !== replaces)
  if (extension !== ARCHIVE_EXTENSION) return explicit ? sameFile(local, sha256Of(file), stem) : local[0]
  // The other models of the archive do not make up for a damaged one.
  if (replaces !== null) return undefined
  return explicit ? unpackedOf(deps, subject, local) : local[0]
}

/** A model that came out of an archive that was downloaded before: it is none of the other files of its version. */
function unpackedOf ({ history }: PlanDeps, { version, library, file }: Subject, local: readonly IndexedModel[]): IndexedModel | undefined {
  if (file.id === undefined || file.id === null || !history.filesOf(library.type.name, version.id).includes(file.id)) return undefined
  const others = new Set((version.files ?? []).map(sha256Of))
  return local.find(({ sha256 }) => !others.has(sha256))
}

function presentIn (library: ModelLibrary, path: string): PlanOutcome {
  return { present: { path, library, message: `Model version already exists in ${library.type.name} library` } }
}

function subjectOf ({ libraries }: PlanDeps, request: DownloadRequest, version: CivitaiVersionDocument, source: MetadataSource): Subject {
  const kind = kindOfModelType(version.model?.type)
  const library = libraries.find(({ type }) => type.name === kind)
  if (!library) throw new DomainError('failed', 'model-type-unsupported', `Models of type "${version.model?.type ?? 'unknown'}" are not supported`)
  const files = version.files ?? []
  const named = request.file_params && chosenFile(files, request.file_params)
  const file = named ?? defaultFile(files)
  if (!file) throw new DomainError('failed', 'file-not-found', 'The version has no file that can be downloaded')
  return { version, source, library, file, explicit: named !== null }
}

function skipRule ({ settings, history }: PlanDeps, request: DownloadRequest, { version, library, file, explicit }: Subject): SkippedBecause | undefined {
  if (request.replaces !== null) return undefined
  const name = file.name ?? ''
  if (!explicit && settings.get('skip_previously_downloaded_model_versions') === true && history.has(library.type.name, version.id)) {
    return { reason: 'previously_downloaded_version', message: 'This version was downloaded before, and the settings say to skip such versions', file_name: name, model_version_id: version.id }
  }
  const excluded = settings.get<unknown>('download_skip_base_models')
  const base = version.baseModel ?? ''
  if (!Array.isArray(excluded) || base === '' || !excluded.includes(base)) return undefined
  return { reason: 'base_model_excluded', message: `The settings exclude downloads for the base model ${base}`, file_name: name, base_model: base }
}

function planOf (deps: PlanDeps, request: DownloadRequest, subject: Subject, name: SafeName): DownloadPlan {
  const { settings, normaliseAddress, now } = deps
  const { version, library, file, source } = subject
  const urls = fileAddresses(file, version, request.source, normaliseAddress)
  if (urls.length === 0) throw new DomainError('failed', 'file-not-found', 'No address to download the file from is known')
  const { directory, root } = targetOf(deps, request, subject)
  const blur = settings.get('blur_mature_content') !== false
  return {
    library,
    title: [version.model?.name, version.name].filter(Boolean).join(' – ') || name.stem,
    directory,
    root: root.path,
    ...name,
    identity: `civitai:${version.id}/${file.id ?? file.name ?? ''}`,
    urls,
    destination: destinationNames.files,
    sha256: sha256Of(file),
    size: typeof file.sizeKB === 'number' && file.sizeKB > 0 ? Math.round(file.sizeKB * 1024) : null,
    gate: gateOf(version, now()),
    preview: request.replaces === null ? choosePreview(version.images ?? [], { blur, level: String(settings.get('mature_blur_level') ?? 'R') }) : null,
    fields: sidecarFields(version, name.extension === ARCHIVE_EXTENSION ? null : file, source, name.stem, now()),
    modelId: version.modelId ?? request.model_id,
    versionId: version.id,
    fileId: file.id ?? null,
    fileName: file.name ?? name.stem + name.extension,
    replaces: request.replaces
  }
}

function targetOf ({ settings }: PlanDeps, request: DownloadRequest, { version, library }: Subject): Target {
  const diffusion = library.type.name === 'checkpoint' && isDiffusionModel(version)
  const creator = version.creator?.username
  return targetDirectory(request, library, settings, {
    base_model: version.baseModel ?? 'Unknown',
    tags: version.model?.tags ?? [],
    model_name: version.model?.name ?? '',
    civitai: { id: version.id, ...(version.name && { name: version.name }), ...(creator && { creator: { username: creator } }) },
    ...(diffusion && { sub_type: 'diffusion_model' })
  }, diffusion)
}

function gateOf (version: CivitaiVersionDocument, now: number): PaidAccess | null {
  if (isPaid(version)) return { permanent: true, endsAt: null }
  return isEarlyAccess(version, now) ? { permanent: false, endsAt: earlyAccessEnd(version) } : null
}

/** What the provider says, in the words of a sidecar; without a file nothing that holds for one file only. */
function sidecarFields (version: CivitaiVersionDocument, file: CivitaiFileDocument | null, source: MetadataSource, stem: string, now: number): Record<string, unknown> {
  const autov3 = normalAutov3(file?.hashes?.AutoV3)
  return {
    model_name: version.model?.name || stem,
    base_model: canonicalBaseModel(version.baseModel ?? ''),
    from_civitai: true,
    civitai: version,
    tags: version.model?.tags ?? [],
    modelDescription: version.model?.description ?? '',
    metadata_source: source,
    last_checked_at: now / 1000,
    ...(autov3 && { autov3 })
  }
}
