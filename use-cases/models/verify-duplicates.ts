import type { IndexedModel } from '../../services/models/entry.ts'
import type { RunningTasks } from '../../services/models/running-tasks.ts'
import { announceUpdated, requirePaths, type ChangeDeps } from './change-deps.ts'

type Deps = Pick<ChangeDeps, 'library' | 'hub' | 'editSidecar'> & { tasks: RunningTasks, warn: (message: string, error: unknown) => void }

export interface VerifiedDuplicates {
  verified_as_duplicates: boolean
  mismatched_files: string[]
  /** Only files whose hash is not the stored one, or could not be computed. */
  new_hash_map: Record<string, string>
}

const FAILED = 'error_calculating_hash'

/** What a file turned out to be: its hash, null when it could not be read, undefined when it is not there. */
interface Checked { model: IndexedModel, actual: string | null | undefined }

/** Hashes files anew that are said to be the same, off the loop, and corrects what was stored wrongly. @throws InvalidInputError */
export const verifyDuplicates = (deps: Deps) => async ({ file_paths: paths }: { file_paths?: unknown }): Promise<VerifiedDuplicates> => {
  const { library, tasks } = deps
  const contained = requirePaths(paths, 'No file paths provided for verification').map((path) => library.contain(path).path)
  const models = [...new Set(contained)].map((path) => library.index.get(path)).filter((model) => model !== undefined)
  const checked = await tasks.run(async (signal) => await Promise.all(models.map(async (model): Promise<Checked> => ({ model, actual: await hashOf(deps, model, signal) }))))
  const there = checked.filter((one): one is Checked & { actual: string | null } => one.actual !== undefined)
  const expected = models.find(({ sha256 }) => sha256 !== '')?.sha256 ?? there.find(({ actual }) => actual !== null)?.actual ?? ''
  const answer: VerifiedDuplicates = { verified_as_duplicates: true, mismatched_files: [], new_hash_map: Object.create(null) as Record<string, string> }
  for (const { model, actual } of there) {
    if (actual !== expected) answer.verified_as_duplicates = false
    if (actual !== null && actual !== expected) answer.mismatched_files.push(model.file_path)
    if (actual === null || (model.sha256 !== '' && actual !== model.sha256)) answer.new_hash_map[model.file_path] = actual ?? FAILED
    if (actual !== null && actual !== model.sha256) await correct(deps, model, actual)
  }
  return answer
}

async function hashOf ({ library, warn }: Deps, model: IndexedModel, signal: AbortSignal): Promise<string | null | undefined> {
  try {
    return await library.hashFile(model.file_path, signal)
  } catch (error) {
    const code = (error as { code?: unknown }).code
    if (code === 'not-found' || code === 'ENOENT') return undefined
    signal.throwIfAborted()
    warn('A file could not be hashed', error)
    return null
  }
}

async function correct (deps: Deps, { file_path: path }: IndexedModel, actual: string): Promise<void> {
  const { model, operation } = await deps.editSidecar({
    path,
    kind: 'edit',
    route: 'verify-duplicates',
    summary: 'Correct the hash of a model',
    change (document) {
      document.sha256 = actual
      document.hash_status = 'completed'
      delete document.autov3
    }
  })
  announceUpdated(deps, model, operation)
}
