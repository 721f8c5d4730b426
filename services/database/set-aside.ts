import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

const COMPANIONS = ['', '-wal', '-shm', '-journal']
/** Files set aside that are kept for a person to look at. */
const KEPT = 2

/** Renames a database with its companions to `<name>.<reason>-<time>`; answers the new name. */
export function setAside (file: string, reason: 'corrupt' | 'outdated', now: Date = new Date()): string {
  const target = `${file}.${reason}-${now.toISOString().replaceAll(':', '-')}`
  for (const companion of COMPANIONS) {
    if (existsSync(file + companion)) renameSync(file + companion, target + companion)
  }
  return target
}

/** Deletes all but the newest set-aside copies of a derived database. */
export function forgetOldAsides (file: string): void {
  const prefix = `${basename(file)}.`
  const asides = readdirSync(dirname(file))
    .filter((name) => name.startsWith(prefix) && /\.(corrupt|outdated)-[^-]+-\d\d-\d\dT[^-]+-\d\d-[^-]+Z$/.test(name))
    .sort((a, b) => stampOf(b).localeCompare(stampOf(a)))
  for (const name of asides.slice(KEPT)) {
    for (const companion of COMPANIONS) rmSync(join(dirname(file), name + companion), { force: true })
  }
}

function stampOf (name: string): string {
  return name.slice(name.search(/\d{4}-\d\d-\d\dT/))
}
