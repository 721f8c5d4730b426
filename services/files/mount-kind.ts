import { statfsSync } from 'node:fs'

/** Magic numbers of file systems that live elsewhere or in user space: NFS, SMB, CIFS, SMB2, FUSE, 9P, AFS, Ceph, autofs, Coda, NCP, vboxsf. */
const REMOTE = new Set([0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x65735546, 0x01021997, 0x5346414f, 0x00c36400, 0x0187, 0x73757245, 0x564c, 0x786f4256])

/** Whether a folder lies on a network or user-space mount: there change events are unreliable and inode numbers may be made up. */
export function isRemoteMount (path: string): boolean {
  try {
    return REMOTE.has(statfsSync(path).type)
  } catch {
    // away now: nothing can be told, and nothing on it is compared
    return true
  }
}
