import { createSlices } from '../../jobs/slices.ts'

/** SHA-256 of models by slot, in binary: whoever needs all of them takes them at once. Nothing is kept before someone asks. */
export interface DigestColumn {
  /** A slot came or changed. */
  touch (slot: number): void
  drop (slot: number): void
  /** Those that there are, 32 bytes each, behind one another; a copy. Filled in slices the first time. */
  read (): Promise<Uint8Array<ArrayBuffer>>
}

const BYTES = 32
const WORDS = BYTES / 4
/** Slots between two looks at the clock. */
const AT_ONCE = 256

/** `textOf`: SHA-256 in hex of the model in a slot, "" without. */
export function createDigestColumn (slots: () => Uint32Array, textOf: (slot: number) => string): DigestColumn {
  /** Zeros where there is no model or no hash. */
  let bytes: Buffer | undefined
  let filling: Promise<void> | undefined

  function put (slot: number): void {
    const from = slot * BYTES
    if (bytes === undefined) return
    if (bytes.length < from + BYTES) {
      const wider = Buffer.alloc(Math.max(from + BYTES, bytes.length * 2))
      wider.set(bytes)
      bytes = wider
    }
    const text = textOf(slot)
    // A corrupt entry may hold anything; writing ends at the first character that is no digit.
    if (text.length !== BYTES * 2 || bytes.write(text, from, BYTES, 'hex') < BYTES) bytes.fill(0, from, from + BYTES)
  }

  async function fill (): Promise<void> {
    const all = slots()
    bytes = Buffer.alloc(((all.at(-1) ?? -1) + 1) * BYTES)
    const slices = createSlices()
    for (let at = 0; at < all.length; at += AT_ONCE) {
      // What changes meanwhile is put as it is now, here as there.
      for (const slot of all.subarray(at, at + AT_ONCE)) put(slot)
      await slices()
    }
  }

  return {
    touch: put,
    drop: (slot) => { bytes?.fill(0, slot * BYTES, (slot + 1) * BYTES) },
    read: async () => {
      await (filling ??= fill())
      return withoutGaps(bytes ?? Buffer.alloc(0))
    }
  }
}

function withoutGaps (bytes: Buffer): Uint8Array<ArrayBuffer> {
  const all = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
  const kept = new Uint32Array(all.length)
  let length = 0
  for (let at = 0; at < all.length; at += WORDS) {
    let any = 0
    for (let word = 0; word < WORDS; word++) any |= kept[length + word] = all[at + word] as number
    if (any !== 0) length += WORDS
  }
  return new Uint8Array(kept.buffer, 0, length * 4)
}
