import { containedIn } from '../files/safe-path.ts'
import type { OperationResult } from '../journal/types.ts'
import { RECIPE_ENDING, isRecipeFile } from './recipe-file.ts'

/** Documents of recipes in a directory that an operation of the journal may have changed, themselves or their image. */
export function changedDocuments (root: string, { units }: Pick<OperationResult, 'units'>): string[] {
  const documents = new Set<string>()
  for (const { ok, files } of units) {
    if (!ok) continue
    for (const path of files.flatMap(({ from, to }) => [from, to])) {
      if (path !== null && path !== root && containedIn(root, path)) documents.add(documentOfFile(path))
    }
  }
  return [...documents]
}

/** An image bears its recipe's name. */
function documentOfFile (path: string): string {
  const slash = path.lastIndexOf('/')
  const name = path.slice(slash + 1)
  if (isRecipeFile(name)) return path
  const dot = name.indexOf('.')
  return `${path.slice(0, slash + 1)}${dot < 0 ? name : name.slice(0, dot)}${RECIPE_ENDING}`
}
