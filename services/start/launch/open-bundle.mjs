import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Script } from 'node:vm'

/** What the runtime made of the bundle when it was built; it counts for the version and the options it was made with. */
export const codeCacheFile = (folder) => join(folder, 'server.cache')

/** The bundled server as a script that can be run, compiled from the cache where that fits. */
export function openBundle (folder) {
  const filename = join(folder, 'server.cjs')
  const cache = codeCacheFile(folder)
  // The bundle is ASCII: read as such its text is neither decoded nor copied.
  const source = readFileSync(filename, 'latin1')
  const script = new Script(source, { filename, ...(existsSync(cache) && { cachedData: readFileSync(cache) }) })
  return {
    script,
    run () { script.runInThisContext()(createRequire(filename), pathToFileURL(`${folder}/`).href) }
  }
}
