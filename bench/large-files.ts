import { closeSync, mkdirSync, openSync, utimesSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createRandom } from './random.ts'

const MEBIBYTE = 1024 ** 2
/** As LoRAs are, and one checkpoint among them. */
const SIZES = [54, 72, 110, 144, 163, 180, 217, 54, 72, 110, 144, 163, 180, 217, 36, 900].map((mebibytes) => mebibytes * MEBIBYTE)
/** Long enough ago that nobody is writing them still. */
const AGE_SECONDS = 3600

/** Valid safetensors files of the sizes that models have, with bytes of their own, written to the disk. */
export function makeLargeFiles (directory: string): { files: string[], bytes: number } {
  mkdirSync(directory, { recursive: true })
  const random = createRandom(40)
  const block = Buffer.from(random.hex(2 * MEBIBYTE), 'hex')
  const files = SIZES.map((size, index) => {
    const file = join(directory, `large-${index}.safetensors`)
    const descriptor = openSync(file, 'w')
    try {
      writeSync(descriptor, headerOf(index, size))
      for (let left = size; left > 0; left -= block.length) writeSync(descriptor, block, 0, Math.min(left, block.length))
    } finally {
      closeSync(descriptor)
    }
    const written = Date.now() / 1000 - AGE_SECONDS
    utimesSync(file, written, written)
    return file
  })
  return { files, bytes: SIZES.reduce((sum, size) => sum + size, 0) }
}

/** Says AutoV3, as what trainers write does, so that nothing is hashed twice. */
function headerOf (index: number, size: number): Buffer {
  const header = Buffer.from(JSON.stringify({
    __metadata__: { sshs_model_hash: index.toString(16).padStart(12, 'b').padEnd(64, 'a') },
    'lora_unet.lora_up.weight': { dtype: 'F16', shape: [size / 2], data_offsets: [0, size] }
  }))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  return Buffer.concat([length, header])
}
