import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { stemOf } from '../models/file-set.ts'
import { isExampleName } from './media-names.ts'

/** Examples that lie beside models: `<stem>.example.<n>.<ext>`. */
export interface LocalExamples {
  /** Absolute paths for a model file, by number, those without one last by name. A folder that can't be read has none. */
  of (modelPath: string): Promise<string[]>
}

const MARKER = '.example.'

/** Reads every folder once, however many models lie in it; made for one run. */
export function createLocalExamples (): LocalExamples {
  const folders = new Map<string, Promise<Map<string, string[]>>>()

  function listed (folder: string): Promise<Map<string, string[]>> {
    const known = folders.get(folder)
    if (known) return known
    const reading = readExamples(folder)
    folders.set(folder, reading)
    return reading
  }

  return {
    async of (modelPath) {
      const folder = dirname(modelPath)
      const prefix = `${stemOf(basename(modelPath))}${MARKER}`.toLowerCase()
      const names = (await listed(folder)).get(prefix) ?? []
      return names.map((name) => ({ name, number: numberOf(name, prefix) }))
        .sort((a, b) => a.number - b.number || (a.name < b.name ? -1 : 1))
        .map(({ name }) => `${folder}/${name}`)
    }
  }
}

async function readExamples (folder: string): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  // A folder that is away now has no examples now.
  for (const name of await readdir(folder).catch(() => [])) {
    const at = name.toLowerCase().lastIndexOf(MARKER)
    if (at <= 0 || !isExampleName(name)) continue
    const prefix = name.slice(0, at + MARKER.length).toLowerCase()
    found.set(prefix, [...found.get(prefix) ?? [], name])
  }
  return found
}

function numberOf (name: string, prefix: string): number {
  const part = name.slice(prefix.length).split('.')[0] ?? ''
  return /^\d{1,9}$/.test(part) ? Number(part) : Infinity
}

/** The same for the same file at every run, so that nothing is taken in twice. */
export function localExampleId (path: string): string {
  return BigInt(`0x${createHash('sha256').update(basename(path)).digest('hex').slice(0, 16)}`).toString(36).padStart(8, '0').slice(-8)
}
