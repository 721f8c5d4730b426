import { extname } from 'node:path'

/** The name, or with a number where it is taken; the answer counts as taken from then on. */
export function freeName (name: string, taken: Set<string>): string {
  const extension = extname(name)
  const stem = name.slice(0, name.length - extension.length)
  let free = name
  for (let n = 1; taken.has(free); n++) free = `${stem}_${n}${extension}`
  taken.add(free)
  return free
}
