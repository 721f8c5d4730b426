import { open } from 'node:fs/promises'
import { DomainError } from '../errors.ts'
import { readSafetensorsHeader } from '../models/safetensors.ts'

const SAFETENSORS = new Set(['.safetensors', '.sft'])

/**
 * Whether a complete file can be what its name says. The hash tells whether it is the right one; this tells a web page or half a file.
 * @throws DomainError `file-damaged`
 */
export async function checkWeights (path: string, extension: string): Promise<void> {
  const problem = SAFETENSORS.has(extension) ? headerProblem(path) : await startProblem(path, extension)
  if (problem !== null) throw new DomainError('failed', 'file-damaged', `The file that was sent is no model: ${problem}`)
}

function headerProblem (path: string): string | null {
  const header = readSafetensorsHeader(path)
  return 'error' in header ? header.error : null
}

async function startProblem (path: string, extension: string): Promise<string | null> {
  const handle = await open(path, 'r')
  try {
    const start = Buffer.alloc(64)
    const { bytesRead } = await handle.read(start, 0, start.length, 0)
    if (bytesRead === 0) return 'it is empty'
    const text = start.toString('latin1', 0, bytesRead).trimStart().toLowerCase()
    if (extension === '.gguf') return text.startsWith('gguf') ? null : 'it does not begin as a GGUF file'
    return text.startsWith('<!doctype') || text.startsWith('<html') || text.startsWith('<?xml') || text.startsWith('{"') ? 'it is a text' : null
  } finally {
    await handle.close()
  }
}
