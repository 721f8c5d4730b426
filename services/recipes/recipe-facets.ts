import { readdir } from 'node:fs/promises'
import type { TreeNode } from '../models/ports.ts'
import type { RecipeIndex } from './recipe-index.ts'
import type { RecipeShelf } from './ports.ts'

const MOST_FOLDERS = 20_000

/** What recipes can be filtered by, with how many there are. */
export function createRecipeFacets (index: RecipeIndex, root: () => string | null): Pick<RecipeShelf, 'topTags' | 'searchTags' | 'baseModels' | 'folders' | 'folderTree'> {
  const byCount = (counts: [string, number][]): [string, number][] => counts.sort(([, a], [, b]) => b - a)
  const tags = (counts: [string, number][], limit: number) => byCount(counts).slice(0, limit).map(([tag, count]) => ({ tag, count }))
  const folders = (): string[] => [...index.postings.folder.keys()].sort((a, b) => compare(a.toLowerCase(), b.toLowerCase()))
  return {
    topTags: (limit) => tags(index.postings.tag.counts(), limit),
    searchTags (text, limit) {
      const wanted = text.toLowerCase()
      return tags(index.postings.tag.counts().filter(([tag]) => tag.toLowerCase().includes(wanted)), limit)
    },
    baseModels: (limit) => byCount(index.postings.baseModel.counts()).slice(0, limit).map(([name, count]) => ({ name, count })),
    folders,
    async folderTree () {
      const top = root()
      const tree: TreeNode = {}
      for (const folder of [...folders(), ...top === null ? [] : await foldersOnDisk(top)]) addTo(tree, folder)
      return tree
    }
  }
}

function addTo (tree: TreeNode, folder: string): void {
  let node = tree
  for (const name of folder.split('/').filter((part) => part !== '')) node = node[name] ??= {}
}

/** Empty folders, too: one that was just made is a place to move recipes to. */
async function foldersOnDisk (root: string): Promise<string[]> {
  const found: string[] = []
  const waiting = ['']
  for (let folder = waiting.shift(); folder !== undefined && found.length < MOST_FOLDERS; folder = waiting.shift()) {
    const entries = await readdir(folder === '' ? root : `${root}/${folder}`, { withFileTypes: true }).catch(() => [])
    for (const entry of entries) {
      if (!entry.isDirectory() || entry.name.startsWith('.')) continue
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      found.push(path)
      waiting.push(path)
    }
  }
  return found.sort((a, b) => compare(a.toLowerCase(), b.toLowerCase()))
}

function compare (a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
