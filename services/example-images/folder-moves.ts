import { readdir } from 'node:fs/promises'
import type { Step } from '../journal/types.ts'

/** Steps that bring a folder with everything in it to another place of the same root, and remove what is empty then. Nothing is replaced. */
export async function folderMoveSteps (from: string, to: string): Promise<Step[]> {
  const steps: Step[] = []
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = `${from}/${entry.name}`
    const target = `${to}/${entry.name}`
    if (entry.isDirectory()) steps.push(...await folderMoveSteps(source, target))
    else steps.push({ kind: 'move', from: source, to: target })
  }
  return [...steps, { kind: 'rmdir', path: from }]
}
