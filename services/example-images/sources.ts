import { createHash } from 'node:crypto'
import type { StateDatabase } from '../database/types.ts'
import { isObject } from '../models/read-value.ts'

/** What tells an image of a list again when the list has changed: its id at CivitAI, else its address. */
export type ImageIdentity = readonly [id: number, url: string]

/** From which images the files of a model came. Their names are places in a list that others replace. */
export interface ImageSources {
  /** By place; undefined when nothing is known. */
  of (sha256: string): ImageIdentity[] | undefined
  remember (sha256: string, images: readonly unknown[]): void
  /** Files were given other names: what is known of them no longer holds. */
  forget (sha256: string): void
}

const steps = ['CREATE TABLE example_image_sources (sha256 TEXT PRIMARY KEY, images TEXT NOT NULL) WITHOUT ROWID;']

export function createImageSources ({ state }: { state: StateDatabase }): ImageSources {
  state.migrate('example-image-sources', steps)
  const read = state.db.prepare<[string], string>('SELECT images FROM example_image_sources WHERE sha256 = ?').pluck()
  const drop = state.db.prepare('DELETE FROM example_image_sources WHERE sha256 = ?')
  const put = state.db.prepare('INSERT OR REPLACE INTO example_image_sources (sha256, images) VALUES (?, ?)')
  return {
    of (sha256) {
      const text = read.get(sha256)
      return text === undefined ? undefined : JSON.parse(String(text)) as ImageIdentity[]
    },
    remember (sha256, images) {
      const text = JSON.stringify(images.map(identityOf))
      if (read.get(sha256) !== text) put.run(sha256, text)
    },
    forget (sha256) { drop.run(sha256) }
  }
}

function identityOf (image: unknown): ImageIdentity {
  const { id, url } = isObject(image) ? image : {}
  return [typeof id === 'number' ? id : 0, typeof url === 'string' && url !== '' ? createHash('sha256').update(url).digest('hex').slice(0, 12) : '']
}

/** Where each image of a former list stands in the present one: by place there, -1 when it is gone. Images without any identity stay where they are. */
export function newPlaces (former: readonly ImageIdentity[], images: readonly unknown[]): number[] {
  const present = images.map(identityOf)
  return former.map(([id, url], place) => {
    if (id === 0 && url === '') return place
    const same = ([otherId, otherUrl]: ImageIdentity | undefined = [0, '']): boolean => (id !== 0 && id === otherId) || (url !== '' && url === otherUrl)
    return same(present[place]) ? place : present.findIndex(same)
  })
}
