import type { Stats } from 'node:fs'
import { INFO_EXTENSION } from './civitai-info.ts'
import { statFile } from './file-changes.ts'
import { stemOf } from './file-set.ts'
import type { DirectoryNames } from './preview-file.ts'
import type { FoundFile } from './scan-types.ts'
import { SIDECAR_EXTENSION } from './sidecar-file.ts'

/** Completes a model file with what lies beside it. */
export function foundFile (file: Omit<FoundFile, 'sidecar' | 'info'>): FoundFile {
  const stem = stemOf(file.name)
  return {
    ...file,
    sidecar: companion(file.directory, stem + SIDECAR_EXTENSION, file.names),
    info: companion(file.directory, stem + INFO_EXTENSION, file.names)
  }
}

function companion (directory: string, name: string, names: DirectoryNames): { path: string, stats: Stats } | null {
  if (!names.has(name)) return null
  const path = `${directory}/${name}`
  const stats = statFile(path)
  return stats?.isFile() ? { path, stats } : null
}
