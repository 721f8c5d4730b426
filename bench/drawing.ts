import { crc32, deflateSync } from 'node:zlib'
import type { Random } from './random.ts'

type Colour = readonly [number, number, number]

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

/** Encodes RGB pixels, three bytes each, as a PNG. */
export function encodePng (width: number, height: number, pixels: Uint8Array): Buffer {
  const rows = Buffer.alloc(height * (width * 3 + 1))
  for (let y = 0; y < height; y++) rows.set(pixels.subarray(y * width * 3, (y + 1) * width * 3), y * (width * 3 + 1) + 1)
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  // Eight bits per channel, colour type 2 (RGB), no interlace.
  header.set([8, 2, 0, 0, 0], 8)
  return Buffer.concat([SIGNATURE, chunk('IHDR', header), chunk('IDAT', deflateSync(rows, { level: 6 })), chunk('IEND', Buffer.alloc(0))])
}

function chunk (type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const framed = Buffer.alloc(body.length + 8)
  framed.writeUInt32BE(data.length, 0)
  body.copy(framed, 4)
  framed.writeUInt32BE(crc32(body), body.length + 4)
  return framed
}

/** A landscape: sky, sun, ridges. `grain` (0 to 1) roughens the pixels and so sets how large the file gets. */
export function drawLandscape (random: Random, width: number, height: number, grain = 0): Buffer {
  const hue = random.float()
  const top = fromHue(hue, 0.75, 0.35)
  const bottom = fromHue(hue + 0.12, 0.6, 0.95)
  const sun = { x: width * (0.2 + 0.6 * random.float()), y: height * (0.15 + 0.3 * random.float()), radius: width * (0.07 + 0.1 * random.float()) }
  const ridges = [0.55, 0.68, 0.82].map((level, index) => ({
    colour: fromHue(hue + 0.5 + index * 0.04, 0.45, 0.5 - index * 0.13),
    line: ridge(random, width, height * level, height * 0.09)
  }))
  const pixels = new Uint8Array(width * height * 3)
  for (let y = 0; y < height; y++) {
    const sky = mix(top, bottom, y / height)
    for (let x = 0; x < width; x++) {
      const ground = ridges.findLast((candidate) => y > (candidate.line[x] ?? height))
      const lit = Math.hypot(x - sun.x, y - sun.y) < sun.radius ? fromHue(hue + 0.12, 0.2, 1) : sky
      put(pixels, (y * width + x) * 3, ground?.colour ?? lit, grain > 0 ? (random.float() - 0.5) * grain * 255 : 0)
    }
  }
  return encodePng(width, height, pixels)
}

function ridge (random: Random, width: number, level: number, swing: number): Float64Array {
  const waves = [1, 2.3, 5.1].map((frequency, index) => ({ frequency: frequency * (0.7 + random.float()), phase: random.float() * 7, swing: swing / (index + 1) }))
  return Float64Array.from({ length: width }, (_, x) => waves.reduce((sum, wave) => sum + Math.sin(x / width * 2 * Math.PI * wave.frequency + wave.phase) * wave.swing, level))
}

function put (pixels: Uint8Array, at: number, colour: Colour, noise: number): void {
  pixels[at] = Math.max(0, Math.min(255, colour[0] + noise))
  pixels[at + 1] = Math.max(0, Math.min(255, colour[1] + noise))
  pixels[at + 2] = Math.max(0, Math.min(255, colour[2] + noise))
}

function mix (from: Colour, to: Colour, share: number): Colour {
  return [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share, from[2] + (to[2] - from[2]) * share]
}

/** Hue, saturation, value, each 0 to 1, to bytes; the hue wraps around. */
function fromHue (hue: number, saturation: number, value: number): Colour {
  const channel = (offset: number) => {
    const place = (offset + hue * 6) % 6
    return 255 * (value - value * saturation * Math.max(0, Math.min(place, 4 - place, 1)))
  }
  return [channel(5), channel(3), channel(1)]
}
