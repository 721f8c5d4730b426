import { InvalidInputError } from '../../services/errors.ts'
import { VERIFY_JOB, type VerifyInput } from '../../services/downloads/verification.ts'
import type { Job, JobSystem } from '../../services/jobs/types.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'

/** Starts, or joins, the job that hashes the library again and compares. @throws InvalidInputError */
export const verifyLibrary = ({ jobs, libraries }: { jobs: JobSystem, libraries: readonly ModelLibrary[] }) => ({ model_types: types, file_paths: paths }: Record<string, unknown>): Job => {
  const input: VerifyInput = {}
  if (types !== undefined) {
    const known = libraries.map(({ type }) => type.name)
    if (!Array.isArray(types) || !types.every((type) => known.includes(type))) throw new InvalidInputError(`model_types must be a list of ${known.join(', ')}`)
    input.types = types
  }
  if (paths !== undefined) {
    if (!Array.isArray(paths) || paths.length === 0 || !paths.every((path) => typeof path === 'string')) throw new InvalidInputError('file_paths must be a list of paths')
    input.paths = paths
  }
  return jobs.start(VERIFY_JOB, input)
}
