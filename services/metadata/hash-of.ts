import { setTimeout as delay } from 'node:timers/promises'
import { DomainError, NotFoundError } from '../errors.ts'
import type { JobSystem } from '../jobs/types.ts'
import { offline } from '../models/edit-sidecar.ts'
import type { IndexedModel } from '../models/entry.ts'
import type { ModelLibrary } from '../models/ports.ts'

const LOOK_MS = 50

/**
 * SHA-256 of a model, computed now when it is not known. The file goes before others that wait for theirs, and its hash is
 * answered as soon as it is there, whatever the job still has to do.
 * @throws NotFoundError, OfflineError, DomainError `hash-failed`
 */
export async function hashOf (library: ModelLibrary, jobs: Pick<JobSystem, 'finished'>, { file_path: path, root_id: root, hash_status: before, sha256 }: IndexedModel): Promise<string> {
  if (sha256 !== '') return sha256
  if (library.isAway(root)) throw offline()
  const job = library.hashPending([path])
  let over = job === undefined
  if (job) jobs.finished(job.id).finally(() => { over = true }).catch(() => undefined)
  for (;;) {
    const model = library.index.get(path)
    if (!model) throw new NotFoundError('Model not found in cache', 'model-not-found')
    if (model.sha256 !== '') return model.sha256
    if (over || (model.hash_status === 'failed' && before !== 'failed')) throw new DomainError('failed', 'hash-failed', `The hash of ${model.file_name} could not be computed`)
    await delay(LOOK_MS)
  }
}
