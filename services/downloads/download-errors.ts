import type { PaidAccess } from '../civitai/access.ts'
import { DomainError } from '../errors.ts'
import { errnoOf } from '../journal/disk.ts'
import { describeFailure } from '../journal/errors.ts'
import type { DownloadError } from './types.ts'

/** What nobody foresaw: a fault of this program, not of a disk or a host. */
export const unexpected: DownloadError = { kind: 'failed', code: 'internal-error', message: 'An unexpected failure; the log has its details' }

/** Any failure of a download as clients read it; a gated file says why, and what would help. */
export function downloadError (error: unknown, gate: PaidAccess | null, authorized: boolean): DownloadError {
  const told = plainly(error)
  if (told.kind !== 'unauthorized') return gate && told.kind === 'upstream' ? { ...gated(gate), kind: 'unauthorized' } : told
  if (gate) return gated(gate)
  return {
    kind: 'unauthorized',
    code: authorized ? 'download-not-permitted' : 'api-key-missing',
    message: authorized
      ? 'The host refuses the file (401): the API key does not give access to it, or is not valid any more'
      : 'The host asks for a log-in (401): set an API key in the settings'
  }
}

function plainly (error: unknown): DownloadError {
  if (error instanceof DomainError) return { kind: error.kind, code: error.code, message: error.message }
  return errnoOf(error) === '' ? unexpected : describeFailure(error)
}

function gated ({ permanent, endsAt }: PaidAccess): DownloadError {
  const until = endsAt === null ? '' : ` until ${endsAt.slice(0, 10)}`
  return {
    kind: 'unauthorized',
    code: permanent ? 'purchase-required' : 'early-access',
    message: permanent
      ? 'This version must be bought (401): buy it on CivitAI and set the API key of the same account'
      : `This version is in early access${until} (401): buy access on CivitAI and set the API key of the same account, or wait`
  }
}
