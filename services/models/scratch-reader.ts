import { closeSync, openSync, readFileSync, readSync } from 'node:fs'

const FIRST_BYTES = 64 * 1024
/** Larger files get bytes of their own. */
const MOST_BYTES = 1024 * 1024

/**
 * Reads one file after the other into the same memory: what it answers holds until the next call. A hundred thousand
 * small files read each into memory of its own keep the collector busy.
 */
export function createScratchReader (): (path: string, size: number) => Buffer {
  let scratch = Buffer.allocUnsafeSlow(FIRST_BYTES)

  return (path, size) => {
    if (size >= MOST_BYTES) return readFileSync(path)
    if (size >= scratch.length) scratch = Buffer.allocUnsafeSlow(Math.min(MOST_BYTES, size * 2))
    const file = openSync(path, 'r')
    try {
      let length = 0
      // One byte more than it should have: it may have grown since.
      while (length <= size) {
        const count = readSync(file, scratch, length, size + 1 - length, null)
        length += count
        // As long as it was and no byte more: asking for the end again would cost as much as the bytes themselves.
        if (count === 0 || length === size) return scratch.subarray(0, length)
      }
    } finally {
      closeSync(file)
    }
    return readFileSync(path)
  }
}
