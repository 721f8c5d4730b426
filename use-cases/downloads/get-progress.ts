import { NotFoundError } from '../../services/errors.ts'
import type { ProgressHub } from '../../services/progress/types.ts'

export interface PolledProgress {
  success: true
  progress: number
  bytes_downloaded: number | null
  total_bytes: number | null
  bytes_per_second: number
  status?: string
  message?: string
}

/** The very numbers of the frame that was sent last. @throws NotFoundError */
export const getProgress = ({ hub }: { hub: Pick<ProgressHub, 'snapshot'> }) => (downloadId: string): PolledProgress => {
  const frame = hub.snapshot('download', downloadId)
  if (!frame) throw new NotFoundError('Download ID not found', 'download-not-found')
  const { status, message } = frame
  return {
    success: true,
    progress: numberOr(frame.progress, 0),
    bytes_downloaded: typeof frame.bytes_downloaded === 'number' ? frame.bytes_downloaded : null,
    total_bytes: typeof frame.total_bytes === 'number' ? frame.total_bytes : null,
    bytes_per_second: numberOr(frame.bytes_per_second, 0),
    ...(typeof status === 'string' && status !== 'progress' && { status, ...(typeof message === 'string' && { message }) })
  }
}

function numberOr (value: unknown, fallback: number): number {
  return typeof value === 'number' ? value : fallback
}
