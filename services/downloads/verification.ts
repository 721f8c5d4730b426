import { stat } from 'node:fs/promises'
import { DomainError } from '../errors.ts'
import type { HashPool } from '../hashing/pool.ts'
import type { JobContext, JobSystem } from '../jobs/types.ts'
import { eachModel } from '../models/each-model.ts'
import type { IndexedModel } from '../models/entry.ts'
import type { ModelLibrary } from '../models/ports.ts'
import type { ModelTypeName } from '../models/types.ts'

export interface VerifyInput {
  /** Absent: all. */
  types?: ModelTypeName[]
  /** Only these models. */
  paths?: string[]
}

export interface DamagedModel {
  file_path: string
  model_type: ModelTypeName
  /** `rot`: the hash differs although the size is right; `resized`: another size than was imported; `unreadable`: the disk fails. */
  finding: 'rot' | 'resized' | 'unreadable'
  expected: string
  actual: string | null
  /** Body of a `POST /api/v1/downloads` that fetches the file again, or null when nobody is known to have it. */
  fetch: { model_version_id: number, model_id: number | null, replaces: string } | null
}

export interface VerifyReport {
  checked: number
  bytes: number
  sound: number
  /** Models without a hash to compare with, and those whose disk is away. */
  unknown: number
  offline: number
  damaged: DamagedModel[]
}

export const VERIFY_JOB = 'verify'

export interface VerificationDeps {
  jobs: JobSystem
  libraries: readonly ModelLibrary[]
  hashPool: Pick<HashPool, 'hash'>
}

/** The job that reads the library again and compares: the only thing that finds what a disk has silently changed. It changes nothing. */
export function defineVerification ({ jobs, libraries, hashPool }: VerificationDeps): void {
  jobs.define<VerifyInput, VerifyReport>({
    kind: VERIFY_JOB,
    title: ({ paths }) => paths ? `Verify ${paths.length} models` : 'Verify the library',
    exclusiveKey: () => VERIFY_JOB,
    retryInput: (_input, failures) => ({ paths: failures.map(({ item }) => item) }),
    run: async (input, context) => await verify(input, context)
  })

  async function verify (input: VerifyInput, context: JobContext): Promise<VerifyReport> {
    const subjects = await subjectsOf(input)
    const report: VerifyReport = { checked: 0, bytes: 0, sound: 0, unknown: 0, offline: 0, damaged: [] }
    for (const [at, { library, path }] of subjects.entries()) {
      await context.checkpoint()
      context.report({ done: at, total: subjects.length, unit: 'models' })
      const model = library.index.get(path)
      // What went or moved while this ran is another scan's business.
      if (model) await verifyOne(library, model, report, context)
    }
    context.report({ done: subjects.length, total: subjects.length, unit: 'models' })
    return report
  }

  async function subjectsOf ({ types, paths }: VerifyInput): Promise<{ library: ModelLibrary, path: string }[]> {
    const wanted = paths && new Set(paths)
    const subjects: { library: ModelLibrary, path: string }[] = []
    for (const library of libraries.filter(({ type }) => !types || types.includes(type.name))) {
      await eachModel(library.index, ({ file_path: path }) => { if (!wanted || wanted.has(path)) subjects.push({ library, path }) }, { excluded: true })
    }
    return subjects
  }

  async function verifyOne (library: ModelLibrary, model: IndexedModel, report: VerifyReport, context: JobContext): Promise<void> {
    if (library.isAway(model.root_id)) report.offline++
    else if (model.sha256 === '') report.unknown++
    else await compare(model, report, context)
  }

  async function compare (model: IndexedModel, report: VerifyReport, context: JobContext): Promise<void> {
    const { file_path: path, sha256: expected } = model
    report.checked++
    try {
      // The pool's own answer, not the ledger's: what is known of the file is the very thing in question.
      const { sha256: actual, bytes } = await hashPool.hash(path, { signal: context.signal })
      report.bytes += bytes
      if (actual === expected) {
        report.sound++
        return
      }
      const { size } = await stat(path)
      note(model, report, context, size === model.size ? 'rot' : 'resized', actual)
    } catch (error) {
      context.signal.throwIfAborted()
      if (error instanceof DomainError && error.code === 'not-found') return
      note(model, report, context, 'unreadable', null)
    }
  }

  function note (model: IndexedModel, report: VerifyReport, context: JobContext, finding: DamagedModel['finding'], actual: string | null): void {
    const { file_path: path, civitai } = model
    const fetch = civitai?.id === undefined ? null : { model_version_id: civitai.id, model_id: civitai.modelId ?? null, replaces: path }
    report.damaged.push({ file_path: path, model_type: model.type, finding, expected: model.sha256, actual, fetch })
    context.recordFailure(path, sentences[finding])
  }
}

const sentences: Record<DamagedModel['finding'], string> = {
  rot: 'The content differs from what was imported',
  resized: 'The file has another size than what was imported',
  unreadable: 'The file can not be read'
}
