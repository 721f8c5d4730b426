import { mkdir } from 'node:fs/promises'
import { writeFileAtomic } from '../files/atomic-write.ts'
import { moveFile } from '../files/move-file.ts'
import { shrinkImage } from '../images/shrink-image.ts'
import { namesIn } from './folder-files.ts'
import { freeName } from './free-name.ts'
import { extensionOf } from './media-names.ts'

/** Where originals go when a smaller one takes their place; no client looks into it. */
export const ORIGINALS = '_originals'

/** Puts a smaller image in the place of one that just came, where the user wants that; the original stays beside. */
export type ShrinkSaved = (folder: string, name: string) => Promise<void>

export function createShrinkSaved ({ enabled }: { enabled: () => boolean }): ShrinkSaved {
  return async (folder, name) => {
    const data = enabled() ? await shrinkImage(`${folder}/${name}`) : null
    if (data === null) return
    const originals = `${folder}/${ORIGINALS}`
    await mkdir(originals, { recursive: true })
    const target = `${folder}/${name.slice(0, -extensionOf(name).length)}.webp`
    const keep = async (): Promise<void> => { await moveFile(`${folder}/${name}`, `${originals}/${freeName(name, new Set(await namesIn(originals)))}`) }
    // At every moment one of the two is in the place.
    if (target === `${folder}/${name}`) await keep()
    await writeFileAtomic(target, data, { durable: false })
    if (target !== `${folder}/${name}`) await keep()
  }
}
