import { InvalidInputError, ServiceNotReadyError } from '../../services/errors.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import type { StorageAdvice } from '../../services/models/storage-advice.ts'
import { storageKinds, type StorageKind } from '../../services/models/storage-findings.ts'

interface Deps { advice: StorageAdvice, libraries: readonly Pick<ModelLibrary, 'opened'>[] }

const DEFAULT_LIMIT = 50
const MOST = 200

/**
 * A page of what could be freed, as UTF-8 JSON: its findings are many and are cut out of a text as they are.
 * @throws InvalidInputError, ConflictError, ServiceNotReadyError
 */
export const listStorageAdvice = ({ advice, libraries }: Deps) => async (query: { kind?: string | undefined, limit?: number | undefined, after?: string | undefined }): Promise<Buffer> => {
  if (!libraries.every(({ opened }) => opened)) throw new ServiceNotReadyError()
  const { kind, limit = DEFAULT_LIMIT, after } = query
  if (kind !== undefined && !isKind(kind)) throw new InvalidInputError(`The kind must be one of ${storageKinds.join(', ')}`, 'storage-kind')
  const page = await advice.page({ kind, limit: Math.min(MOST, Math.max(1, limit)), after })
  const head = { computed_at: page.computedAt, usage_known: page.usageKnown, unread_folders: page.unread, summary: page.summary, next: page.next }
  return Buffer.concat([Buffer.from(`${JSON.stringify(head).slice(0, -1)},"items":`), page.items, Buffer.from('}')])
}

const isKind = (text: string): text is StorageKind => storageKinds.some((kind) => kind === text)
