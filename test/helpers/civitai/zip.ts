import { crc32, deflateRawSync } from 'node:zlib'

/** A file of an archive. */
export interface ZipEntry {
  /** As it is to stand in the archive, however hostile. */
  name: string
  bytes?: Buffer
  /** Packed, which is usual. */
  deflate?: boolean
  /** Mode bits of a Unix archiver, with the kind of file. */
  mode?: number
  encrypted?: boolean
  /** A size that is not the true one. */
  saysSize?: number
  saysCrc?: number
}

/** A ZIP archive with these files, written by hand, since no archiver makes the bad ones. */
export function zipOf (entries: readonly ZipEntry[]): Buffer {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { name, bytes = Buffer.alloc(0), deflate = true, mode = 0, encrypted = false, saysSize = bytes.length, saysCrc = crc32(bytes) } of entries) {
    const path = Buffer.from(name)
    const packed = deflate ? deflateRawSync(bytes) : bytes
    const shared = Buffer.alloc(26)
    shared.writeUInt16LE(20, 0)
    shared.writeUInt16LE(0x800 | (encrypted ? 1 : 0), 2)
    shared.writeUInt16LE(deflate ? 8 : 0, 4)
    shared.writeUInt32LE(saysCrc, 10)
    shared.writeUInt32LE(packed.length, 14)
    shared.writeUInt32LE(saysSize, 18)
    shared.writeUInt16LE(path.length, 22)
    const local = Buffer.concat([Buffer.from('PK\u0003\u0004', 'latin1'), shared, path, packed])
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(mode * 0x10000, 6)
    rest.writeUInt32LE(offset, 10)
    directory.push(Buffer.concat([Buffer.from('PK\u0001\u0002', 'latin1'), Buffer.from([20, 3]), shared, rest, path]))
    locals.push(local)
    offset += local.length
  }
  const index = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\u0005\u0006', 'latin1')
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(index.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, index, end])
}
