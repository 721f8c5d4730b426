/**
 * Puts the texts that `fill` adds one after the other as UTF-8, in a buffer of their own. One text of all of them would be written
 * twice more, and through memory that no cache holds.
 */
export type ByteCollector = (fill: (add: (text: string) => void) => void) => Buffer

const FIRST = 512 * 1024
/** A larger one is given back. */
const MOST_KEPT = 2 * 1024 * 1024
/** A code unit takes so many bytes at most. */
const WIDEST = 3

export function createByteCollector (): ByteCollector {
  let buffer = Buffer.allocUnsafeSlow(FIRST)
  let end = 0

  function add (text: string): void {
    const most = end + text.length * WIDEST
    if (most > buffer.length) {
      const larger = Buffer.allocUnsafeSlow(2 * most)
      buffer.copy(larger, 0, 0, end)
      buffer = larger
    }
    end += buffer.write(text, end)
  }

  return (fill) => {
    end = 0
    fill(add)
    const taken = Buffer.from(buffer.subarray(0, end))
    if (buffer.length > MOST_KEPT) buffer = Buffer.allocUnsafeSlow(FIRST)
    return taken
  }
}
