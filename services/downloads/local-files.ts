import { sha256Of } from '../civitai/file-choice.ts'
import type { CivitaiFileDocument } from '../civitai/schema.ts'
import type { IndexedModel } from '../models/entry.ts'

/** A file of a version that lies here; `fileId` null: nobody knows which file of the version it is. */
export interface LocalFile { fileId: number | null, fileName: string, filePath: string }

type LocalModel = Pick<IndexedModel, 'sha256' | 'file_name' | 'file_path'>

/** Which files of a version the models are, by hash first, then by name, each file once; `others` are none of them. */
export function localFiles (files: readonly CivitaiFileDocument[], models: readonly LocalModel[]): { known: LocalFile[], others: LocalFile[] } {
  const found = new Map<CivitaiFileDocument, LocalModel>()
  const left = new Set(models)
  const match = (isSame: (file: CivitaiFileDocument, model: LocalModel) => boolean): void => {
    for (const model of left) {
      const file = files.find((one) => !found.has(one) && isSame(one, model))
      if (!file) continue
      found.set(file, model)
      left.delete(model)
    }
  }
  match((file, { sha256 }) => sha256 !== '' && sha256Of(file) === sha256)
  match((file, model) => stemOf(file.name ?? '') === model.file_name)
  return {
    known: [...found].map(([file, model]) => ({ fileId: file.id ?? null, fileName: file.name ?? '', filePath: model.file_path })),
    others: [...left].map(({ file_path: path }) => ({ fileId: null, fileName: path.slice(path.lastIndexOf('/') + 1), filePath: path }))
  }
}

function stemOf (name: string): string {
  return name.replace(/\.[^.]+$/, '')
}
