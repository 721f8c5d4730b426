import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { readImageMetadata } from '../../services/images/read-metadata.ts'
import { parseImage } from '../../services/recipes/parsers/index.ts'
import { atLeast, atMost, percentile, type Measurement } from '../measurement.ts'
import { createRandom } from '../random.ts'

const IMAGES = 200
const IMAGE_BYTES = 2 * 1024 ** 2
const ROUNDS = 5
/** Pixel chunks as Python's writers cut them. */
const CHUNK_BYTES = 64 * 1024
const HUGE_BYTES = 100 * 1024 ** 2

/** Metadata of PNGs of 2 MB with parameters and both graphs, from disk to what a recipe needs; as many at a time as there are cores. */
export async function analysis (scratch: string): Promise<Measurement[]> {
  const directory = join(scratch, 'analysis')
  mkdirSync(directory, { recursive: true })
  const files = Array.from({ length: IMAGES }, (_value, n) => join(directory, `${n}.png`))
  for (const [n, file] of files.entries()) writeFileSync(file, pngOf(IMAGE_BYTES, n))
  const huge = join(directory, 'huge.png')
  writeFileSync(huge, pngOf(HUGE_BYTES, 0))
  try {
    const times: number[] = []
    const lanes = Math.min(2, availableParallelism())
    const began = performance.now()
    await Promise.all(Array.from({ length: lanes }, async (_value, lane) => {
      for (let n = lane; n < IMAGES * ROUNDS; n += lanes) {
        const started = performance.now()
        const parsed = parseImage(await readImageMetadata(files[n % IMAGES] ?? ''))
        if (parsed?.loras.length !== 1) throw new Error(`image ${n} was read as ${JSON.stringify(parsed)}`)
        times.push(performance.now() - started)
      }
    }))
    const seconds = (performance.now() - began) / 1000
    const started = performance.now()
    await readImageMetadata(huge)
    return [
      { part: 'analysis', name: 'analysis of a PNG of 2 MB, metadata only', models: null, value: IMAGES * ROUNDS / seconds, unit: 'per second', goal: atLeast(100), note: `${lanes} at a time, p99 ${percentile(times, 0.99).toFixed(1)} ms` },
      { part: 'analysis', name: 'metadata of a PNG of 100 MB with texts behind the pixels', models: null, value: performance.now() - started, unit: 'ms', goal: atMost(50) }
    ]
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Not an image that decodes; nothing here looks at its pixels. */
function pngOf (bytes: number, seed: number): Buffer {
  const random = createRandom(seed + 1)
  const graph = JSON.stringify(Object.fromEntries(Array.from({ length: 60 }, (_value, n) => [n, { class_type: 'Note', inputs: { text: random.hex(400), next: [String(n + 1), 0] } }])))
  const text = `a lantern <lora:ink:0.5>\nNegative prompt: fog\nSteps: 20, Sampler: Euler, Seed: ${seed}, Size: 1024x1024, Model: base, Lora hashes: "ink: 0123456789", Version: v1.10.1`
  const pixels = Buffer.alloc(CHUNK_BYTES, seed & 255)
  const parts = [Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', Buffer.from('00000400000004000802000000', 'hex')), chunk('tEXt', Buffer.from(`parameters\0${text}`))]
  for (let left = bytes; left > 0; left -= CHUNK_BYTES) parts.push(chunk('IDAT', pixels))
  parts.push(chunk('tEXt', Buffer.from(`prompt\0${graph}`)), chunk('tEXt', Buffer.from(`workflow\0{"nodes":[],"links":[],"extra":"${random.hex(20_000)}"}`)), chunk('IEND', Buffer.alloc(0)))
  return Buffer.concat(parts)
}

function chunk (type: string, data: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(data.length)
  head.write(type, 4, 'latin1')
  return Buffer.concat([head, data, Buffer.alloc(4)])
}
