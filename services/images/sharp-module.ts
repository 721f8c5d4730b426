import { availableParallelism } from 'node:os'
import { createLanes } from './lanes.ts'

/** An image with more pixels is refused before it is decoded (a 20 KB file can claim gigabytes); those of all frames count. */
export const MAX_PIXELS = 100_000_000
export const MAX_FRAMES = 300
const MOST_WAITING = 32

type SharpModule = typeof import('sharp')['default']
let loading: Promise<SharpModule> | undefined

/** Loaded with the first image: the library of the codecs takes a good part of a start. */
export function sharpNow (): Promise<SharpModule> {
  loading ??= import('sharp').then(({ default: sharp }) => {
    sharp.cache(false)
    sharp.concurrency(1)
    return sharp
  })
  return loading
}

/** All work on pixels goes through these: a core stays with requests. */
export const pixelLanes = createLanes(Math.max(1, availableParallelism() - 1), MOST_WAITING)
