import type { Random } from '../random.ts'

/** Pieces that readers stumble over. */
const pieces = ['"', '{', '}', '[', ']', ':', ',', '\\', '\n', '<lora:', 'Steps: 1', 'Negative prompt:', 'Recipe metadata: {', 'NaN', '1e999', '-1', '18446744073709551615', '__proto__', 'constructor', 'null', '["1",0]', '\u0000', '\ud800', '\u6f22', 'civitai:1@2', 'class_type'] as const

/** A text with one to eight changes: cut, doubled, swapped, overwritten or added to. */
export function mutateText (text: string, random: Random): string {
  let mutated = text
  for (let changes = 1 + random.below(8); changes > 0; changes--) {
    const at = random.below(mutated.length + 1)
    const end = Math.min(mutated.length, at + random.below(40))
    const kind = random.below(5)
    if (kind === 0) mutated = mutated.slice(0, at) + mutated.slice(end)
    else if (kind === 1) mutated = mutated.slice(0, end) + mutated.slice(at, end).repeat(1 + random.below(20)) + mutated.slice(end)
    else if (kind === 2) mutated = mutated.slice(0, at) + String(pieces[random.below(pieces.length)]).repeat(1 + random.below(4)) + mutated.slice(at)
    else if (kind === 3) mutated = mutated.slice(0, at) + String.fromCharCode(random.below(0x300)) + mutated.slice(at + 1)
    else mutated = mutated.slice(at) + mutated.slice(0, at)
  }
  return mutated
}

/** Bytes with one to eight changes; lengths and offsets get extreme values, files are cut. */
export function mutateBytes (bytes: Buffer, random: Random): Buffer {
  let mutated = Buffer.from(bytes)
  for (let changes = 1 + random.below(8); changes > 0 && mutated.length > 8; changes--) {
    const at = random.below(mutated.length - 4)
    const kind = random.below(5)
    if (kind === 0) mutated[at] = random.below(256)
    else if (kind === 1) mutated.writeUInt32BE([0, 1, 8, 0x7fffffff, 0xffffffff, mutated.length][random.below(6)] ?? 0, at)
    else if (kind === 2) mutated = mutated.subarray(0, Math.max(16, at))
    else if (kind === 3) mutated = Buffer.concat([mutated.subarray(0, at), mutated.subarray(random.below(at + 1), at), mutated.subarray(at)])
    else mutated = Buffer.concat([mutated.subarray(0, at), mutated.subarray(Math.min(mutated.length, at + random.below(64)))])
  }
  return mutated
}
