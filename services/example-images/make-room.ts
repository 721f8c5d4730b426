import { failureOf } from '../journal/errors.ts'
import type { Journal, Step } from '../journal/types.ts'
import { namesIn } from './folder-files.ts'
import { freeName } from './free-name.ts'
import { positionOf } from './media-names.ts'
import { BIN_NAME, type ExamplePlace } from './places.ts'
import type { Target } from './targets.ts'

export interface RoomRequest {
  place: ExamplePlace
  target: Pick<Target, 'hash' | 'name'>
  folder: string
  position: number
}

/** Brings what lies at a place of a model's images to the bin. @throws OfflineError, and what keeps a file from being moved */
export type MakeRoom = (request: RoomRequest) => Promise<void>

/** For an image that comes anew: at every moment the old one or the new one is there, and the old one is never lost. */
export function createMakeRoom ({ journal }: { journal: Pick<Journal, 'run'> }): MakeRoom {
  return async ({ place, target: { hash, name }, folder, position }) => {
    const former = (await namesIn(folder) ?? []).filter((file) => positionOf(file) === position)
    if (former.length === 0) return
    const bin = `${place.libraryRoot}/${BIN_NAME}/${hash}`
    const taken = new Set(await namesIn(bin))
    const steps = former.map((file): Step => ({ kind: 'move', from: `${folder}/${file}`, to: `${bin}/${freeName(file, taken)}` }))
    const { units: [unit] } = await journal.run({ kind: 'example-overwrite', route: 'force-download-example-images', summary: `An example image of ${name} that came anew`, units: [{ key: hash, label: name, steps }] })
    const failure = failureOf(unit)
    if (failure) throw failure
  }
}
