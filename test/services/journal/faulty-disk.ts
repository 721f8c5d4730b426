import { existsSync, readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { nodeDisk } from '../../../services/journal/disk.ts'
import type { JournalDisk } from '../../../services/journal/disk.ts'

export interface Faults {
  /** Number of the call that fails, from 1. */
  at?: number
  /** What it fails with; `crash`: it and every later call throw. */
  how?: string
  onCrash?: () => void
  /** Before the call with this number. */
  before?: { at: number, act: () => Promise<void> }
  hardLinks?: boolean
  /** Paths below different ones of these are on different volumes. */
  volumes?: string[]
  /** Instead of the real disk. */
  base?: JournalDisk
}

export interface FaultyDisk {
  disk: JournalDisk
  calls (): number
  names (): string[]
}

export function fault (code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code })
}

/** The real disk, made to fail or to crash at one call; counts the calls. */
export function createFaultyDisk (faults: Faults = {}): FaultyDisk {
  const log: string[] = []
  const base = faults.base ?? nodeDisk
  let crashed = false

  async function enter (name: string, args: unknown[]): Promise<void> {
    if (crashed) throw fault('CRASHED')
    log.push(name)
    if (faults.before?.at === log.length) await faults.before.act()
    if (faults.at !== log.length) return
    // content is cut short by a full disk and by a crash
    if (name === 'writeNew') await writeFile(String(args[0]), 'cut sh')
    if (name === 'copy') await writeFile(String(args[1]), 'cut sh')
    if (faults.how === 'crash') {
      crashed = true
      faults.onCrash?.()
      throw fault('CRASHED')
    }
    throw fault(faults.how ?? 'EIO')
  }

  function volume (path: string): string | undefined {
    return faults.volumes?.find((prefix) => path.startsWith(prefix))
  }

  const disk = { ...base } as Record<string, (...args: never[]) => Promise<unknown>>
  for (const name of Object.keys(base)) {
    const real = base[name as keyof JournalDisk] as (...args: unknown[]) => Promise<unknown>
    disk[name] = async (...args: unknown[]) => {
      await enter(name, args)
      if (['link', 'rename'].includes(name) && volume(String(args[0])) !== volume(String(args[1]))) throw fault('EXDEV')
      if (name === 'link' && faults.hardLinks === false) throw fault('EPERM')
      // counted and made to fail, but not waited for: thousands of runs
      return name === 'fsyncDirectory' ? undefined : real(...args)
    }
  }
  return { disk: disk as unknown as JournalDisk, calls: () => log.length, names: () => log }
}

/** A disk that takes every spelling of a name for the one that is there, as on macOS and Windows. */
export function ignoringCase (): JournalDisk {
  const actual = (path: string): string => {
    if (!existsSync(dirname(path))) return path
    const name = readdirSync(dirname(path)).find((entry) => entry.toLowerCase() === basename(path).toLowerCase())
    return name === undefined ? path : join(dirname(path), name)
  }
  return {
    ...nodeDisk,
    lstat: (path) => nodeDisk.lstat(actual(path)),
    link: (from, to) => nodeDisk.link(actual(from), actual(to)),
    createEmpty: (path) => nodeDisk.createEmpty(actual(path)),
    unlink: (path) => nodeDisk.unlink(actual(path)),
    readFile: (path) => nodeDisk.readFile(actual(path)),
    sha256: (path) => nodeDisk.sha256(actual(path)),
    rename: async (from, to) => {
      const [source, replaced] = [actual(from), actual(to)]
      if (replaced !== to && replaced !== source && existsSync(replaced)) return nodeDisk.rename(source, replaced)
      return nodeDisk.rename(source, to)
    }
  }
}
