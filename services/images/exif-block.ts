import type { EmbeddedTexts } from './metadata-types.ts'

const TAGS = { description: 0x010e, model: 0x0110, orientation: 0x0112, exifDirectory: 0x8769, userComment: 0x9286 } as const
const TYPES = { ascii: 2, short: 3, long: 4, undefined: 7 } as const

/** The block that takes the place of the one a file has (null: it has none); null for none. */
export type RenewExif = (old: Buffer | null) => Buffer | null

interface Entry { tag: number, type: number, count: number, value: Buffer }

/**
 * A big-endian TIFF block with the texts: `parameters` as UserComment (`UNICODE\0` and UTF-16 big-endian), the workflow as
 * ImageDescription, and beside it the API graph in the tag where ComfyUI's own WebP has it (recipes §2.2). Codecs write UserComment
 * as ASCII and lose what is not, so the block is built here. The orientation is the only thing that an image is shown by; others go.
 */
export function exifBlock ({ parameters, prompt, workflow }: EmbeddedTexts, orientation = 1): Buffer | null {
  const directory: Entry[] = []
  const description = workflow !== null ? `Workflow:${workflow}` : prompt
  if (description !== null) directory.push(text(TAGS.description, description))
  if (workflow !== null && prompt !== null) directory.push(text(TAGS.model, `prompt:${prompt}`))
  if (orientation !== 1) directory.push({ tag: TAGS.orientation, type: TYPES.short, count: 1, value: Buffer.from([0, orientation, 0, 0]) })
  const comment: Entry[] = parameters === null ? [] : [{ tag: TAGS.userComment, type: TYPES.undefined, ...counted(userComment(parameters)) }]
  if (directory.length + comment.length === 0) return null

  const head = Buffer.from('4d4d002a00000008', 'hex')
  if (comment.length === 0) return Buffer.concat([head, layOut(directory, head.length)])
  const pointer = { tag: TAGS.exifDirectory, type: TYPES.long, count: 1, value: Buffer.alloc(4) }
  // The length of the first directory doesn't depend on what the pointer says.
  const second = head.length + layOut([...directory, pointer], head.length).length
  pointer.value.writeUInt32BE(second)
  return Buffer.concat([head, layOut([...directory, pointer], head.length), layOut(comment, second)])
}

function userComment (parameters: string): Buffer {
  return Buffer.concat([Buffer.from('UNICODE\0', 'latin1'), Buffer.from(parameters, 'utf16le').swap16()])
}

const counted = (value: Buffer): { count: number, value: Buffer } => ({ count: value.length, value })
const text = (tag: number, value: string): Entry => ({ tag, type: TYPES.ascii, ...counted(Buffer.from(`${value}\0`, 'utf8')) })

/** One directory and, behind it, the values that don't fit its entries; `start` is where it will lie. */
function layOut (entries: readonly Entry[], start: number): Buffer {
  const table = Buffer.alloc(2 + entries.length * 12 + 4)
  table.writeUInt16BE(entries.length)
  const values: Buffer[] = []
  let free = start + table.length
  for (const [index, { tag, type, count, value }] of [...entries].sort((a, b) => a.tag - b.tag).entries()) {
    const at = 2 + index * 12
    table.writeUInt16BE(tag, at)
    table.writeUInt16BE(type, at + 2)
    table.writeUInt32BE(count, at + 4)
    if (value.length <= 4) value.copy(table, at + 8)
    else {
      table.writeUInt32BE(free, at + 8)
      const even = value.length % 2 === 0 ? value : Buffer.concat([value, Buffer.alloc(1)])
      values.push(even)
      free += even.length
    }
  }
  return Buffer.concat([table, ...values])
}
