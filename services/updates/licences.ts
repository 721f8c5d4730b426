import { licenceDefaults } from '../civitai/enrich.ts'
import type { CivitaiModelDocument } from '../civitai/schema.ts'
import type { CivitaiClient } from '../civitai/types.ts'
import { DomainError, ServiceNotReadyError } from '../errors.ts'
import { createSlices } from '../jobs/slices.ts'
import type { JobContext, JobSystem } from '../jobs/types.ts'
import { describeFailure } from '../journal/errors.ts'
import { eachModel } from '../models/each-model.ts'
import type { EditSidecar } from '../models/edit-sidecar.ts'
import type { ModelLibrary } from '../models/ports.ts'
import { readObject } from '../models/read-value.ts'
import type { ModelTypeName } from '../models/types.ts'
import type { ProgressHub } from '../progress/types.ts'
import { refusalOf } from './refusal.ts'
import type { LicenceAnswer } from './types.ts'

export interface LicencesDeps {
  civitai: Pick<CivitaiClient, 'models'>
  libraryOf: (type: ModelTypeName) => ModelLibrary
  editSidecarOf: (type: ModelTypeName) => EditSidecar
  jobs: JobSystem
  hub: Pick<ProgressHub, 'broadcast' | 'publish'>
}

interface Input { type: ModelTypeName, modelIds: readonly number[] | null }

const KIND = 'licence-fetch'
const ROUTE = 'fetch-missing-license'
const MODELS_A_CALL = 100
const PATIENCE_MS = 2 * 60 * 1000

const keys = Object.keys(licenceDefaults) as (keyof typeof licenceDefaults)[]

/** Fetches licence fields that sidecars lack, as a job. */
export function createLicences ({ civitai, libraryOf, editSidecarOf, jobs, hub }: LicencesDeps): (input: Input) => string {
  jobs.define<Input, LicenceAnswer>({
    kind: KIND,
    resumable: true,
    title: ({ type }) => `Fetch missing licences of ${type}s`,
    exclusiveKey: ({ type, modelIds }) => `${KIND}:${JSON.stringify([type, modelIds])}`,
    run: fetchMissing
  })

  /** Paths of the files that lack something, by CivitAI model. Sidecars are read from rows, in slices. */
  async function lacking ({ type, modelIds }: Input, checkpoint: JobContext['checkpoint']): Promise<Map<number, string[]>> {
    const library = libraryOf(type)
    if (!library.opened) throw new ServiceNotReadyError()
    const wanted = modelIds && new Set(modelIds)
    const found = new Map<number, string[]>()
    const known: { path: string, modelId: number }[] = []
    await eachModel(library.index, ({ civitai: version, file_path: path }) => {
      if (version?.modelId !== undefined && (!wanted || wanted.has(version.modelId))) known.push({ path, modelId: version.modelId })
    }, { excluded: true })
    const slice = createSlices()
    for (const { path, modelId } of known) {
      const document = library.sidecar(path)
      if (document && isLacking(document)) found.set(modelId, [...found.get(modelId) ?? [], path])
      await slice()
      await checkpoint()
    }
    return found
  }

  async function complete (type: ModelTypeName, model: CivitaiModelDocument, path: string, answer: LicenceAnswer): Promise<void> {
    try {
      const { operation } = await editSidecarOf(type)({ path, kind: 'sync', route: ROUTE, summary: `Licence of model ${model.id}`, source: 'civitai', change (document) { fill(document, model) } })
      answer.updated.push({ modelId: model.id, filePath: path })
      hub.publish('model.updated', { model_type: type, file_path: path }, operation === null ? {} : { operation })
    } catch (error) {
      answer.errors.push({ filePath: path, error: describeFailure(error).message })
    }
  }

  async function fetchMissing (input: Input, { signal, checkpoint, report, recordFailure }: JobContext): Promise<LicenceAnswer> {
    const answer: LicenceAnswer = { updated: [], missing: [], errors: [] }
    const found = await lacking(input, checkpoint)
    const ids = [...found.keys()]
    try {
      for (let at = 0; at < ids.length; at += MODELS_A_CALL) {
        await checkpoint()
        const part = ids.slice(at, at + MODELS_A_CALL)
        const outcome = await civitai.models(part, { signal, patienceMs: PATIENCE_MS })
        if (outcome.kind !== 'found') throw outcome.kind === 'not-found' ? new DomainError('upstream', 'upstream-failed', 'CivitAI does not answer for models') : refusalOf(outcome, `${part.length} models`)
        for (const id of part) {
          await checkpoint()
          const model = outcome.value.get(id)
          if (!model) answer.missing.push(id)
          else for (const path of found.get(id) ?? []) await complete(input.type, model, path, answer)
        }
        report({ done: Math.min(at + MODELS_A_CALL, ids.length), total: ids.length, unit: 'models' })
      }
      for (const { filePath, error } of answer.errors) recordFailure(filePath, error)
      return answer
    } finally {
      if (answer.updated.length > 0) hub.broadcast('fetch', { type: 'models_changed' })
    }
  }

  return (input) => jobs.start(KIND, input).id
}

function isLacking (document: Record<string, unknown>): boolean {
  const model = readObject(readObject(document.civitai)?.model)
  return keys.some((key) => model?.[key] === undefined || model[key] === null)
}

function fill (document: Record<string, unknown>, model: CivitaiModelDocument): void {
  const civitai = readObject(document.civitai) ?? {}
  const own = { ...readObject(civitai.model) }
  for (const key of keys) own[key] ??= model[key] ?? licenceDefaults[key]
  document.civitai = { ...civitai, model: own }
}
