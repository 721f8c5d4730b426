import { stat, unlink } from 'node:fs/promises'
import { ConflictError, DomainError } from '../errors.ts'
import type { Journal } from '../journal/types.ts'
import type { ModelLibrary } from '../models/ports.ts'
import { untilOpened } from '../models/until-opened.ts'
import type { ProgressHub } from '../progress/types.ts'
import { checkWeights } from './check-weights.ts'
import { downloadError, unexpected } from './download-errors.ts'
import { dropPreview, fetchPreview, type FetchedPreview, type PreviewFetchDeps } from './fetch-preview.ts'
import { ARCHIVE_EXTENSION } from './file-name.ts'
import type { LiveProgress } from './live-progress.ts'
import type { PartStore } from './part-store.ts'
import type { PartsInUse } from './parts-in-use.ts'
import { planCivitai } from './plan-civitai.ts'
import type { PlanDeps } from './plan-deps.ts'
import { planHuggingFace } from './plan-hugging-face.ts'
import type { DownloadPlan, PlanOutcome } from './plan.ts'
import { placeFile, quarantine, type Placed } from './place-file.ts'
import { placeModels } from './place-models.ts'
import { makeDirectory, removeMade } from './target-directory.ts'
import { discardPart, type Transfer, type Transferred } from './transfer.ts'
import type { DownloadRequest, DownloadResult, FinishedDownload } from './types.ts'
import { dropUnpacked, unpackModels, type UnpackDeps, type UnpackedModel } from './unpack-models.ts'

export interface RunDeps extends PlanDeps, PreviewFetchDeps, UnpackDeps {
  journal: Pick<Journal, 'run'>
  hub: Pick<ProgressHub, 'broadcast' | 'publish'>
  parts: PartStore
  partsInUse: PartsInUse
  transfer: Transfer
  /** Whether a key for CivitAI is set. */
  authorized (): boolean
}

export interface RunContext {
  signal: AbortSignal
  /** Resolves at once, or when a pause is over. */
  gate (): Promise<void>
  /** The disk is full: resolves when it may be tried again. */
  noRoom (error: DomainError, hasRoom: () => Promise<boolean>): Promise<void>
  live: LiveProgress
  /** Told when it is known what is loaded. */
  onTitle (title: string): void
  onBytes (bytes: number, total: number | null): void
  /** The run of an earlier process is gone on with: what it had placed already is its success. */
  resumed: boolean
  /** Whether what was loaded stays when this is aborted. */
  keepsPart (): boolean
}

const DAMAGED = new Set(['hash-mismatch', 'file-damaged', 'size-mismatch', 'archive-damaged', 'archive-refused', 'archive-without-model'])

/** All bytes are here, and it is not over yet. */
const UNPACKING = 99

/** A failure in the words of clients; what it was is its cause. */
export class DownloadFailure extends DomainError {}

/** One download from its request to the model in the library. @throws DownloadFailure, or the signal's reason */
export async function runDownload (deps: RunDeps, request: DownloadRequest, context: RunContext): Promise<{ result: DownloadResult, finished: FinishedDownload[] }> {
  let plan: DownloadPlan | undefined
  try {
    await untilOpened(deps.libraries, context.signal)
    const outcome = await planOf(deps, request, context)
    if ('skipped' in outcome) return { result: { file_path: null, model_type: null, sha256: null, bytes: 0, skipped: outcome.skipped }, finished: [] }
    if ('present' in outcome) return { result: alreadyThere(outcome.present, request, context), finished: [] }
    plan = outcome.plan
    context.onTitle(plan.title)
    return await load(deps, plan, request, context)
  } catch (error) {
    if (context.signal.aborted) throw error
    const { kind, code, message } = downloadError(error, plan?.gate ?? null, deps.authorized())
    if (code === unexpected.code) deps.warn('a download failed for a reason that nobody foresaw', error)
    throw new DownloadFailure(kind, code, message, {}, { cause: error })
  }
}

async function planOf (deps: PlanDeps, request: DownloadRequest, { signal, gate }: RunContext): Promise<PlanOutcome> {
  await gate()
  return request.provider === 'huggingface' ? await planHuggingFace(deps, request, signal) : await planCivitai(deps, request, signal)
}

function alreadyThere ({ path, library, message }: { path: string, library: ModelLibrary, message: string }, request: DownloadRequest, { resumed }: RunContext): DownloadResult {
  if (!resumed && request.provider === 'civitai') throw new ConflictError(message, 'version-exists')
  return { file_path: path, model_type: library.type.name, sha256: library.index.get(path)?.sha256 || null, bytes: 0 }
}

async function load (deps: RunDeps, plan: DownloadPlan, request: DownloadRequest, context: RunContext): Promise<{ result: DownloadResult, finished: FinishedDownload[] }> {
  const { live, signal } = context
  const made = await makeDirectory(plan.root, plan.directory)
  const part = deps.partsInUse.take(plan)
  let preview: FetchedPreview | null = null
  let received: Received | undefined
  try {
    live.stage(1)
    preview = await fetchPreview(deps, plan.preview, `${plan.directory}/${plan.stem}${plan.extension}`, signal)
    live.stage(3)
    received = await receive(deps, plan, part, request, context)
    // A pause holds whatever comes last too.
    await context.gate()
    signal.throwIfAborted()
    const placed = await place(deps, plan, part, received, preview)
    if (placed.some((one) => one.preview)) preview = null
    announce(deps, plan, placed)
    return { result: resultOf(plan, placed, received), finished: placed.map((one) => finishedOf(plan, one, request)) }
  } catch (error) {
    await tidy(deps, part, context)
    throw error
  } finally {
    await dropPreview(preview)
    await dropUnpacked(received?.models ?? [])
    deps.partsInUse.release(part)
    await removeMade(made, plan.directory)
  }
}

/** The part, complete and checked; of an archive also what was in it. */
interface Received extends Transferred { models: UnpackedModel[] | null }

async function receive (deps: RunDeps, plan: DownloadPlan, part: string, request: DownloadRequest, { signal, gate, noRoom, live, onBytes }: RunContext): Promise<Received> {
  const { urls, destination, identity, sha256 } = plan
  try {
    const done = await deps.transfer({ download: request.download_id, part, identity, urls, destination, sha256 }, {
      signal,
      gate,
      noRoom,
      onProgress ({ bytes, total }) {
        if (live.transfer(bytes, total ?? plan.size)) onBytes(bytes, total ?? plan.size)
      }
    })
    await checkWeights(part, plan.extension)
    if (plan.extension !== ARCHIVE_EXTENSION) return { ...done, models: null }
    live.stage(UNPACKING)
    return { ...done, models: await unpackModels(deps, plan, part, { signal, gate, noRoom }) }
  } catch (error) {
    // Whatever it is, it must not be gone on with, nor be found by anybody under a name.
    if (error instanceof DomainError && DAMAGED.has(error.code)) {
      await quarantine(deps.journal, part, plan.title)
      deps.parts.remove(part)
    }
    throw error
  }
}

/** An archive has done its work when its models have their names. */
async function place (deps: RunDeps, plan: DownloadPlan, part: string, received: Received, preview: FetchedPreview | null): Promise<Placed[]> {
  if (received.models) {
    const placed = await placeModels(deps, plan, received.models, preview)
    await discardPart(deps.parts, part)
    return placed
  }
  const placed = await placeFile(deps, plan, part, received, preview)
  deps.parts.remove(part)
  return [placed]
}

/** A cancelled download leaves nothing; one that failed, was skipped or stopped with the server can be gone on with. */
async function tidy ({ parts }: RunDeps, part: string, { signal, keepsPart }: RunContext): Promise<void> {
  if (signal.aborted && !keepsPart()) return await discardPart(parts, part)
  if (!signal.aborted) await dropEmpty(parts, part)
}

/** Nothing came: the empty file says nothing. */
async function dropEmpty (parts: PartStore, part: string): Promise<void> {
  const found = await stat(part).catch(() => null)
  if (found?.size !== 0) return
  parts.remove(part)
  await unlink(part)
}

function announce ({ hub }: RunDeps, { library, replaces }: DownloadPlan, placed: readonly Placed[]): void {
  const type = library.type.name
  for (const { path, operation } of placed) {
    if (operation !== null) hub.publish(replaces === null ? 'model.created' : 'model.updated', { model_type: type, file_path: path }, { operation })
  }
  const [first] = placed
  hub.publish('facets.changed', { model_type: type }, first?.operation ? { operation: first.operation } : {})
  hub.broadcast('fetch', { type: 'models_changed' })
}

function resultOf ({ library }: DownloadPlan, placed: readonly Placed[], { size, models }: Received): DownloadResult {
  const [first] = placed
  return {
    file_path: first?.path ?? null,
    model_type: library.type.name,
    sha256: first?.sha256 ?? null,
    bytes: size,
    ...(models && { file_paths: placed.map(({ path }) => path) })
  }
}

function finishedOf (plan: DownloadPlan, { path, sha256 }: Placed, request: DownloadRequest): FinishedDownload {
  return {
    download: request.download_id,
    model_type: plan.library.type.name,
    file_path: path,
    sha256,
    model_id: plan.modelId,
    version_id: plan.versionId,
    file_id: plan.fileId,
    file_name: plan.fileName
  }
}
