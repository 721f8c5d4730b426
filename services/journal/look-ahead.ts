import { SMALL_FILE } from './actions.ts'
import type { JournalDisk } from './disk.ts'
import type { Step, Unit } from './types.ts'

/** Units whose files are looked at before their turn. */
const AHEAD = 6

/** The disk for planning: files of the next units are looked at side by side, and none twice for one unit. */
export function createLookAhead (disk: JournalDisk, units: readonly Unit[]): { disk: JournalDisk, unit (n: number): void } {
  const stats = createFacts(disk.lstat)
  const contents = createFacts(disk.readFile)
  let prepared = 0

  async function prepare (n: number, path: string, wanted: boolean): Promise<void> {
    const found = await stats.look(n, path)
    if (wanted && found?.kind === 'file' && found.size <= SMALL_FILE) await contents.look(n, path)
  }

  return {
    disk: { ...disk, lstat: async (path) => await stats.get(path), readFile: async (path) => await contents.get(path) },
    unit (n) {
      stats.turn(n)
      contents.turn(n)
      for (; prepared < Math.min(units.length, n + AHEAD); prepared++) {
        const steps = units[prepared]?.steps ?? []
        const known = steps.filter((step) => step.kind === 'write' && typeof step.expected === 'object' && step.expected.data).flatMap(pathsOf)
        for (const path of new Set(steps.flatMap(pathsOf))) {
          // Whoever asks for it meets the same failure.
          prepare(prepared, path, !known.includes(path)).catch(() => undefined)
        }
      }
    }
  }
}

function pathsOf (step: Step): string[] {
  return step.kind === 'move' || step.kind === 'create' ? [step.from, step.kind === 'move' ? step.to : step.path] : [step.path]
}

/** What was read, by the unit that it was read for; forgotten when that is planned. */
function createFacts<T> (read: (path: string) => Promise<T>) {
  const facts = new Map<string, { unit: number, fact: Promise<T> }>()
  let current = 0

  async function look (unit: number, path: string): Promise<T> {
    const known = facts.get(path)
    if (known) {
      known.unit = Math.max(known.unit, unit)
      return await known.fact
    }
    const fact = read(path)
    facts.set(path, { unit, fact })
    return await fact
  }

  return {
    look,
    get: async (path: string): Promise<T> => await look(current, path),
    turn (n: number): void {
      current = n
      for (const [path, { unit }] of facts) if (unit < n) facts.delete(path)
    }
  }
}
