import { open } from 'node:fs/promises'
import type { ImageSource } from './metadata-types.ts'

/** Read at once around every place that is asked for: headers of neighbours come along. */
const WINDOW = 16 * 1024

/** Bytes by position, of a file or of a buffer. */
export interface ByteSource {
  readonly size: number
  /** Fewer bytes than asked for only at the end. */
  read (offset: number, length: number): Promise<Buffer>
  close (): Promise<void>
}

/** @throws what opening and reading the file throws */
export async function openByteSource (source: ImageSource): Promise<ByteSource> {
  if (typeof source !== 'string') {
    return {
      size: source.length,
      read: async (offset, length) => source.subarray(Math.min(offset, source.length), Math.min(offset + length, source.length)),
      close: async () => {}
    }
  }
  const handle = await open(source, 'r')
  const { size } = await handle.stat()
  let window = Buffer.alloc(0)
  let start = 0
  return {
    size,
    async read (offset, length) {
      const wanted = Math.max(0, Math.min(length, size - offset))
      if (offset < start || offset + wanted > start + window.length) {
        const buffer = Buffer.allocUnsafe(Math.min(Math.max(wanted, WINDOW), Math.max(0, size - offset)))
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset)
        window = buffer.subarray(0, bytesRead)
        start = offset
      }
      return window.subarray(offset - start, offset - start + wanted)
    },
    close: async () => { await handle.close() }
  }
}
