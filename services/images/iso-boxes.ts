import type { ByteSource } from './byte-source.ts'

/** A box of ISO base media: MP4, QuickTime, AVIF, JPEG XL. */
export interface IsoBox {
  /** Four characters, Latin-1. */
  type: string
  /** Of its content. */
  start: number
  end: number
}

/** Boxes of a whole file. */
const MAX_BOXES = 20_000

/** Walks boxes with one budget for the file: a hostile file is left at its limit. */
export interface BoxWalker {
  /** Boxes between two positions, one after the other; stops at the first that is broken or leads outside. */
  boxes (start: number, end: number): AsyncGenerator<IsoBox>
}

export function createBoxWalker (source: ByteSource): BoxWalker {
  let seen = 0
  return {
    async * boxes (start, end) {
      for (let at = start; at + 8 <= end && seen < MAX_BOXES; seen++) {
        const header = await source.read(at, 16)
        if (header.length < 8) return
        const type = header.toString('latin1', 4, 8)
        const short = header.readUInt32BE(0)
        const head = short === 1 ? 16 : 8
        if (head > header.length) return
        const size = short === 0 ? end - at : short === 1 ? Number(header.readBigUInt64BE(8)) : short
        if (size < head || at + size > end) return
        yield { type, start: at + head, end: at + size }
        at += size
      }
    }
  }
}
