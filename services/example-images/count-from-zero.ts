import type { Step } from '../journal/types.ts'
import { isObject } from '../models/read-value.ts'
import { extensionOf, positionOf } from './media-names.ts'

/**
 * Moves that bring the files of a folder that was numbered from 1 to the places of their images, which are counted from 0. None for any other
 * folder: one that has a first image, or whose first image could not be had, as the metadata says.
 */
export function stepsFromZero (folder: string, names: readonly string[], images: readonly unknown[]): Step[] {
  const [first] = images
  if (isObject(first) && first.downloadFailed === true) return []
  const files = numberedFiles(names)
  if (files[0]?.position !== 1 || names.some((name) => /^image_0\./i.test(name))) return []
  // From the lowest on, each goes to where the one before was.
  return files.map(({ name, position }) => ({ kind: 'move', from: `${folder}/${name}`, to: `${folder}/image_${position - 1}${extensionOf(name)}` }))
}

export interface NumberedFile { name: string, position: number }

/** Files of regular images, by place. */
export function numberedFiles (names: readonly string[]): NumberedFile[] {
  return names.flatMap((name) => {
    const position = positionOf(name)
    return position === undefined ? [] : [{ name, position }]
  }).sort((a, b) => a.position - b.position)
}
