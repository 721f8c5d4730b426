import { readdir, realpath, rmdir } from 'node:fs/promises'
import { ConflictError } from '../errors.ts'
import type { PathQueue } from '../files/path-queue.ts'
import { containedIn } from '../files/safe-path.ts'
import { failureOf } from '../journal/errors.ts'
import type { Journal, Step, Unit } from '../journal/types.ts'
import { editJsonText } from '../models/edit-json-text.ts'
import { readText } from '../models/read-value.ts'
import { statFile } from './image-facts.ts'
import { dropDirectories, makeDirectory } from './recipe-files.ts'
import { isRecipeFile } from './recipe-file.ts'
import { readRecipeFile } from './recipe-row.ts'

export interface MoveTreeDeps {
  journal: Pick<Journal, 'run' | 'undo'>
  paths: PathQueue
}

interface Tree { files: string[], directories: string[] }

/** Moves recipe directories; what lies on the way counts as one of ours meanwhile. */
export interface RecipeTreeMove {
  move (from: string, to: string): Promise<void>
  /** Directories that recipes are being moved to. */
  targets (): string[]
}

/**
 * Moves everything below the recipe directory to another place, at the same paths below that. What recipes say of their images
 * goes along. Planned as a whole before the first file is touched; when a file can't be moved, all are put back.
 * @throws ConflictError and nothing is moved: a name is taken there, or a recipe can't be read
 */
export function createRecipeTreeMove ({ journal, paths }: MoveTreeDeps): RecipeTreeMove {
  const targets = new Set<string>()

  async function moveFiles (files: readonly string[], from: string, to: string): Promise<void> {
    const units = await planUnits(files, from, to)
    const { id, units: results } = await journal.run({ kind: 'bulk-move', route: 'settings', summary: `Move ${files.length} files of the recipe directory`, units })
    const failure = failureOf(results.find(({ ok }) => !ok))
    if (!failure) return
    if (results.some(({ ok }) => ok)) await journal.undo(id, 'settings')
    throw failure
  }

  return {
    targets: () => [...targets],
    async move (from, to) {
      const tree = await listTree(from)
      if (tree.files.length === 0) return
      targets.add(to)
      const first = await makeDirectory(to)
      try {
        await paths.runAll(tree.files, async () => { await moveFiles(tree.files, from, to) })
      } catch (error) {
        await dropDirectories(to, first)
        throw error
      } finally {
        targets.delete(to)
      }
      // what is not empty stays
      for (const directory of [...tree.directories.reverse(), from]) await rmdir(directory).catch(() => undefined)
    }
  }
}

/** Hidden folders (the trash among them) stay where they are. */
async function listTree (from: string): Promise<Tree> {
  const tree: Tree = { files: [], directories: [] }
  const waiting = [from]
  for (let directory = waiting.shift(); directory !== undefined; directory = waiting.shift()) {
    const entries = await readdir(directory, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
      if (directory === from && error.code === 'ENOENT') return []
      throw error
    })
    for (const entry of entries) {
      const path = `${directory}/${entry.name}`
      if (!entry.isDirectory()) tree.files.push(path)
      else if (!entry.name.startsWith('.')) {
        tree.directories.push(path)
        waiting.push(path)
      }
    }
  }
  return tree
}

async function planUnits (files: readonly string[], from: string, to: string): Promise<Unit[]> {
  const real = (await realpath(from).catch(() => from)).replaceAll('\\', '/')
  const units: Unit[] = []
  for (const path of files) {
    const target = to + path.slice(from.length)
    if (await statFile(target) !== null) throw new ConflictError(`A file named ${target.slice(to.length + 1)} is there already; nothing was moved`, 'destination-exists')
    const steps: Step[] = [{ kind: 'move', from: path, to: target }]
    if (isRecipeFile(path)) steps.push(...await rewritten(path, target, [from, real], to))
    units.push({ key: path, label: path.slice(from.length + 1), steps })
  }
  return units
}

/** The document says where its image lies then. */
async function rewritten (path: string, target: string, former: readonly string[], to: string): Promise<Step[]> {
  const file = await readRecipeFile(path)
  if (!file || 'problem' in file) throw new ConflictError(`${path.slice(path.lastIndexOf('/') + 1)} cannot be moved: ${file?.problem ?? 'it is gone'}; nothing was moved`, 'recipe-broken')
  const image = readText(file.raw.file_path).replaceAll('\\', '/')
  const root = former.find((directory) => image !== directory && containedIn(directory, image))
  if (root === undefined) return []
  const { size, mtimeMs } = file.stats
  return [{ kind: 'write', path: target, data: editJsonText(file.bytes, file.raw, { ...file.raw, file_path: to + image.slice(root.length) }), expected: { size, mtimeMs } }]
}
