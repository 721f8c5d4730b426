import type { ModelLibrary, TreeNode } from '../../services/models/ports.ts'
import type { FolderKey } from '../../services/models/types.ts'
import type { RawQuery } from './parse-list-query.ts'
import { requiredText } from './required-text.ts'

interface Deps { library: ModelLibrary }

const withoutEndSlash = (path: string): string => path.replaceAll('\\', '/').replace(/(?<=[^/])\/+$/, '')

export const listRoots = ({ library }: Deps) => (): string[] => [...new Set(library.roots().map((root) => root.path))]

/** Roots of one kind, for the two kinds of checkpoint folders. */
export const listRootsOf = ({ library }: Deps) => (folderKey: FolderKey): string[] =>
  [...new Set(library.roots().filter((root) => root.folderKey === folderKey).map((root) => root.path))]

export const listFolders = ({ library }: Deps) => (): string[] => library.index.folders()

/** Folders below one root; an unknown root has none. */
export const getFolderTree = ({ library }: Deps) => (query: RawQuery): TreeNode => {
  const asked = withoutEndSlash(requiredText(query.model_root, 'model_root is required'))
  const root = library.roots().find(({ path }) => withoutEndSlash(path) === asked)
  return root ? library.index.folderTree(root.id) : {}
}

export const getUnifiedFolderTree = ({ library }: Deps) => (): TreeNode => library.index.folderTree()
