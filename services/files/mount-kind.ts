import { statfsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'

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

/** Whether one of the paths lies on such a mount, or may; of one that is not there yet its nearest folder tells. */
export async function anyRemoteMount (paths: Iterable<string>): Promise<boolean> {
  const known = new Map<string, Promise<boolean>>()
  const isRemote = (directory: string): Promise<boolean> => {
    const judged = known.get(directory) ?? judge(directory, isRemote)
    known.set(directory, judged)
    return judged
  }
  for (const directory of new Set([...paths].map((path) => dirname(path)))) if (await isRemote(directory)) return true
  return false
}

async function judge (directory: string, ofParent: (directory: string) => Promise<boolean>): Promise<boolean> {
  try {
    return REMOTE.has((await statfs(directory)).type)
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT' && dirname(directory) !== directory
    return missing ? await ofParent(dirname(directory)) : true
  }
}
