import { readdir, realpath } from 'node:fs/promises'
import type { RootDisk } from '../files/roots.ts'

const PATIENCE_MS = 2000
/** Each call that hangs holds one of the few threads for file work; after two no further folder is looked at. */
const HANGING_ALLOWED = 2

/** Looks at configured folders once, without ever blocking the process, and answers for them as computeRoots asks. */
export async function readRootDisk (paths: readonly string[]): Promise<RootDisk> {
  const real = new Map<string, string>()
  const targets = new Map<string, string[]>()
  let hanging = 0
  const patient = async <T>(work: Promise<T>, fallback: T): Promise<T> => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<T>((resolve) => {
      timer = setTimeout(() => {
        hanging++
        resolve(fallback)
      }, PATIENCE_MS)
    })
    // A folder that cannot be reached stays a root under its own spelling.
    return await Promise.race([work.catch(() => fallback), late]).finally(() => { clearTimeout(timer) })
  }
  for (const path of paths) {
    if (hanging >= HANGING_ALLOWED) break
    const found = await patient<string | null>(realpath(path), null)
    if (found === null) continue
    real.set(path, found.replaceAll('\\', '/'))
    targets.set(path, await patient(linkTargets(path), []))
  }
  return { realPath: (path) => real.get(path) ?? null, linkTargets: (path) => targets.get(path) ?? [] }
}

async function linkTargets (path: string): Promise<string[]> {
  const links = (await readdir(path, { withFileTypes: true })).filter((entry) => entry.isSymbolicLink())
  const found = await Promise.all(links.map((entry) => realpath(`${path}/${entry.name}`).catch(() => null)))
  return found.filter((target) => target !== null).map((target) => target.replaceAll('\\', '/'))
}
