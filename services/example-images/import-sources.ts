import { realpath, stat } from 'node:fs/promises'
import { containedIn, normalizeClientPath } from '../files/safe-path.ts'
import { ownedDirectories } from '../settings/change.ts'
import type { SettingsManager } from '../settings/types.ts'
import type { ExamplePlaces } from './places.ts'

/** Files on this machine that may be taken in as example images. */
export interface ImportSources {
  /** The files among some paths, and why the others are none. */
  read (paths: readonly unknown[], mostBytes: number): Promise<{ files: { path: string, name: string }[], errors: string[] }>
}

/** Only from model folders, recipe folders and among the example images, wherever links lead. */
export function createImportSources ({ settings, places }: { settings: Pick<SettingsManager, 'libraries'>, places: ExamplePlaces }): ImportSources {
  async function allowedFolders (): Promise<string[]> {
    const { root } = places.required()
    const real = await realpath(root).catch(() => root)
    return [...await ownedDirectories(Object.values(settings.libraries())), real.replaceAll('\\', '/')]
  }

  return {
    async read (paths, mostBytes) {
      const allowed = await allowedFolders()
      const files: { path: string, name: string }[] = []
      const errors: string[] = []
      for (const path of paths) {
        const outcome = await readSource(path, allowed, mostBytes)
        if ('reason' in outcome) errors.push(outcome.reason)
        else files.push(outcome)
      }
      return { files, errors }
    }
  }
}

/** One answer whether a file is elsewhere or nowhere: it tells nobody what there is. */
async function readSource (given: unknown, allowed: readonly string[], mostBytes: number): Promise<{ path: string, name: string } | { reason: string }> {
  const name = typeof given === 'string' ? given.replaceAll('\\', '/').split('/').at(-1) ?? '' : '?'
  const refused = { reason: `${name.slice(0, 120)}: not a file in one of the folders that images are taken from` }
  if (typeof given !== 'string') return refused
  try {
    const path = (await realpath(normalizeClientPath(given))).replaceAll('\\', '/')
    if (!allowed.some((folder) => containedIn(folder, path))) return refused
    const found = await stat(path)
    if (!found.isFile()) return refused
    return found.size > mostBytes ? { reason: `${name}: larger than ${mostBytes / 1024 ** 3} GB` } : { path, name }
  } catch {
    // Whatever keeps it from being found is the same answer.
    return refused
  }
}
