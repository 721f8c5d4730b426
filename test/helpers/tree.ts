import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

/** Every file below a folder by its relative path, with the hash of its bytes; the trash and a settings folder are left out. */
export function treeOf (directory: string, folder = ''): Record<string, string> {
  const tree: Record<string, string> = {}
  for (const entry of readdirSync(join(directory, folder), { withFileTypes: true }).sort((a, b) => a.name < b.name ? -1 : 1)) {
    const name = folder === '' ? entry.name : `${folder}/${entry.name}`
    const path = join(directory, name)
    if (entry.name === '.modelshelf-trash' || name === 'settings') continue
    if (lstatSync(path).isSymbolicLink()) tree[name] = `-> ${readlinkSync(path)}`
    else if (entry.isDirectory()) Object.assign(tree, { [`${name}/`]: '' }, treeOf(directory, name))
    else tree[name] = createHash('sha256').update(readFileSync(path)).digest('hex')
  }
  return tree
}
