import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'

/**
 * What a database looked like when it was closed in good order, noted beside it. As long as it still looks like that, nobody has
 * written to it since, and reading all its pages at the next opening would find nothing.
 */
const markOf = (file: string): string => `${file}.sound`

/** The time of change is in it because programs can set the others. */
function looks (file: string): string {
  const { size, mtimeMs, ctimeMs, ino } = statSync(file)
  return [size, mtimeMs, ctimeMs, ino].join(' ')
}

const hasLog = (file: string): boolean => statSync(`${file}-wal`, { throwIfNoEntry: false }) !== undefined

/** Call it when the last connection was closed: one that is still open leaves a log, and then nothing is noted. Answers whether it was. */
export function markSound (file: string): boolean {
  try {
    if (hasLog(file)) return false
    writeFileSync(markOf(file), looks(file))
    return true
  } catch {
    // A full disk, or a folder that is gone: the next opening reads all pages, nothing more.
    return false
  }
}

/** Whether a database is as it was closed in good order. The mark is used up by it: after a crash there is none. */
export function takeSoundMark (file: string): boolean {
  const mark = markOf(file)
  if (statSync(mark, { throwIfNoEntry: false }) === undefined) return false
  const noted = readFileSync(mark, 'utf8')
  rmSync(mark)
  return noted === looks(file) && !hasLog(file)
}
