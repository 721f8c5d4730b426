import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import type { NewFile } from './catalogue.ts'

const extensions = new Set(['.safetensors', '.ckpt', '.pt', '.pth', '.bin', '.gguf', '.sft', '.zip'])
const types: readonly (readonly [RegExp, string])[] = [[/embedding/i, 'TextualInversion'], [/checkpoint|unet|diffusion|stable-diffusion/i, 'Checkpoint']]

/** Every model file below a folder, and every archive, ready for a catalogue that knows them all. Their type is guessed from the folders. */
export async function libraryFiles (directory: string): Promise<NewFile[]> {
  const found = await readdir(directory, { withFileTypes: true, recursive: true })
  const files: NewFile[] = []
  for (const entry of found) {
    if (!entry.isFile() || !extensions.has(extname(entry.name).toLowerCase())) continue
    const path = join(entry.parentPath, entry.name)
    files.push({ name: basename(path), source: { path }, sha256: await hashOf(path), modelType: types.find(([pattern]) => pattern.test(path.slice(directory.length)))?.[1] ?? 'LORA' })
  }
  return files.sort((one, other) => one.name < other.name ? -1 : 1)
}

async function hashOf (path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) hash.update(chunk)
  return hash.digest('hex')
}
