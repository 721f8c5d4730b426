import { readFile, stat } from 'node:fs/promises'
import type { Stats } from 'node:fs'
import { NotFoundError, OfflineError } from '../errors.ts'
import type { Root } from '../files/types.ts'
import { failureOf } from '../journal/errors.ts'
import type { FieldSource } from '../metadata/provenance.ts'
import type { Journal, Operation, OperationResult, Step } from '../journal/types.ts'
import { defaultSidecar } from './default-sidecar.ts'
import type { IndexedModel } from './entry.ts'
import type { ModelLibrary } from './ports.ts'
import { backupPath, completeSidecar, inFieldOrder, MAX_SIDECAR_BYTES, parseSidecar, serializeSidecar, sidecarPath } from './sidecar-file.ts'
import type { OverlayBase, SidecarOverlay } from './sidecar-overlay.ts'

export interface EditDeps {
  library: ModelLibrary
  journal: Pick<Journal, 'run'>
  overlay: SidecarOverlay
  recorder?: EditRecorder | undefined
}

/** Keeps who gave fields their values. */
export interface EditRecorder {
  /** What of a document is compared, as it is now. */
  snapshot (document: Record<string, unknown>): ReadonlyMap<string, unknown>
  /** Told once the edit is on the disk and in the index. */
  record (model: IndexedModel, before: ReadonlyMap<string, unknown>, after: ReadonlyMap<string, unknown>, source: FieldSource): void
}

export interface EditRequest extends Pick<Operation, 'kind' | 'route' | 'summary'> {
  /** As the client gave it. */
  path: string
  /** Who gives the new values; the user unless told. */
  source?: FieldSource
  /** Files that change together with the sidecar, all or none; moves only. */
  further?: readonly Extract<Step, { kind: 'move' }>[]
  /** Changes the document in place, from what it is now; may run again when another program wrote meanwhile. */
  change (document: Record<string, unknown>, model: IndexedModel): void
}

export interface Edited {
  /** The model as it is afterwards. */
  model: IndexedModel
  document: Record<string, unknown>
  /** null: nothing had to be written, or it went to the overlay. */
  operation: string | null
}

export type EditSidecar = (request: EditRequest) => Promise<Edited>

/** What an edit starts from. */
interface Base {
  document: Record<string, unknown>
  /** Bytes of the sidecar that is rewritten; undefined for a new one. */
  present: Buffer | undefined
  /** The sidecar is there and can't be used: it is kept under another name. */
  broken: boolean
  stats: Stats | null
}

/** Another program that writes the same sidecar all the time is given way to after this. */
const TRIES = 5

/**
 * Edits one sidecar as a whole: read, change, write, row and index, one after the other for each model, so that no two edits
 * lose each other's fields. Starts from the sidecar, else from all that is known of the model, so that no incomplete one is
 * ever written. Where no file can be written, the edited document goes to the state database.
 * @throws NotFoundError, OfflineError, PathOutsideLibraryError, ConflictError, or what the disk says
 */
export function createSidecarEditor ({ library, journal, overlay, recorder }: EditDeps): EditSidecar {
  const type = library.type.name

  async function readBase (model: IndexedModel, file: Stats): Promise<Base> {
    const path = sidecarPath(model.file_path)
    const stats = await statOrNull(path)
    const known = library.sidecar(model.file_path)
    const fresh = (): Record<string, unknown> => known ?? defaultSidecar(model)
    if (stats === null) return { document: fresh(), present: undefined, broken: false, stats }
    const present = stats.size > MAX_SIDECAR_BYTES ? undefined : await readFile(path)
    const parsed = present && parseSidecar(present)
    if (!parsed || 'error' in parsed) return { document: fresh(), present: undefined, broken: true, stats }
    const edited = overlay.find(type, model.file_path, baseOf(file, stats)) ? known : undefined
    return { document: edited ?? parsed.document, present, broken: false, stats }
  }

  async function prepared ({ change }: EditRequest, model: IndexedModel, base: Base): Promise<string> {
    const document = base.document
    change(document, model)
    takeFacts(document, model)
    const complete = await completeSidecar(sidecarPath(model.file_path), document)
    return base.present ? serializeSidecar(complete, base.present) : serializeSidecar(inFieldOrder(complete))
  }

  function steps (path: string, text: string, { present, broken, stats }: Base): Step[] {
    if (broken) return [{ kind: 'move', from: path, to: backupPath(path) }, { kind: 'write', path, data: text }]
    const expected = present && stats ? { size: stats.size, mtimeMs: stats.mtimeMs, data: present } : 'absent'
    return [{ kind: 'write', path, data: text, expected }]
  }

  async function run ({ kind, route, summary }: EditRequest, model: IndexedModel, all: Step[]): Promise<OperationResult> {
    return await journal.run({ kind, route, summary, units: [{ key: model.file_path, label: model.model_name, steps: all }] })
  }

  async function editHeld (request: EditRequest, path: string, root: Root): Promise<Edited> {
    const model = library.index.get(path)
    const file = await statOrNull(path)
    if (!model || !file) throw missing(library, root)
    for (let tries = 1; ; tries++) {
      const base = await readBase(model, file)
      const before = recorder?.snapshot(base.document)
      const text = await prepared(request, model, base)
      const document = base.document
      const own = base.present?.equals(Buffer.from(text)) ? [] : steps(sidecarPath(model.file_path), text, base)
      const further = request.further ?? []
      if (own.length + further.length === 0) return { model, document, operation: null }
      const result = await run(request, model, [...further, ...own])
      const unit = result.units[0]
      if (unit?.ok) {
        overlay.remove(type, path)
        return await settled(request, document, before, result.id)
      }
      if (unit?.error?.code === 'not-writable') {
        // Where the sidecar can't be written, the other files may well change.
        const alone = further.length > 0 ? failureOf((await run(request, model, [...further])).units[0]) : null
        if (alone) throw alone
        overlay.put(type, path, baseOf(file, base.stats), text)
        return await settled(request, document, before, null)
      }
      const raced = unit?.error?.code === 'source-changed' || unit?.error?.code === 'destination-exists'
      if (!raced || tries >= TRIES) throw failureOf(unit) ?? new NotFoundError('The sidecar could not be written')
    }
  }

  async function settled ({ path: asked, source = 'user' }: EditRequest, document: Record<string, unknown>, before: ReadonlyMap<string, unknown> | undefined, operation: string | null): Promise<Edited> {
    const { path } = library.contain(asked)
    const [model] = await library.settle({ changed: [path] })
    if (!model) throw new NotFoundError('The model is gone', 'model-not-found')
    if (recorder && before) recorder.record(model, before, recorder.snapshot(document), source)
    return { model, document, operation }
  }

  return async (request) => {
    const { path, root } = library.contain(request.path)
    if (library.isAway(root.id)) throw offline()
    return await library.exclusively([path, sidecarPath(path)], async () => await editHeld(request, path, root))
  }
}

function missing (library: ModelLibrary, root: Root): Error {
  return library.isAway(root.id) ? offline() : new NotFoundError('There is no such model', 'model-not-found')
}

export function offline (): OfflineError {
  return new OfflineError('The folder of the model is offline; nothing can be changed there now')
}

/** Facts of the file are the disk's, whatever the sidecar says; the rest is filled only where it says nothing. */
function takeFacts (document: Record<string, unknown>, model: IndexedModel): void {
  document.file_name = model.file_name
  document.file_path = model.file_path
  const known: Record<string, unknown> = {
    model_name: model.model_name,
    size: model.size,
    modified: model.modified,
    sha256: model.sha256,
    base_model: model.base_model,
    preview_url: model.preview_url,
    ...(model.sub_type && model.type !== 'lora' && { sub_type: model.sub_type })
  }
  for (const [key, value] of Object.entries(known)) document[key] ??= value
}

function baseOf (file: Stats, sidecar: Stats | null): OverlayBase {
  return { file: { size: file.size, mtimeMs: file.mtimeMs }, sidecar: sidecar && { size: sidecar.size, mtimeMs: sidecar.mtimeMs } }
}

async function statOrNull (path: string): Promise<Stats | null> {
  try {
    return await stat(path)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(String((error as NodeJS.ErrnoException).code))) return null
    throw error
  }
}
