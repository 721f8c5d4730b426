import { readImageMetadata } from '../../services/images/read-metadata.ts'
import { parseImage } from '../../services/recipes/parsers/index.ts'
import { stemOf } from '../../services/recipes/parsers/model-file.ts'
import type { ParsedImage } from '../../services/recipes/parsers/types.ts'
import type { Expectation } from './expectations.ts'

export interface Comparison { right: number, wrong: string[], missed: string[] }

/** Each expected field of an image: right, wrong, or missed. */
export async function compare ({ source, fields }: Expectation): Promise<Comparison> {
  const parsed = parseImage('file' in source ? await readImageMetadata(source.file) : { ...source, width: 0, height: 0 })
  const result: Comparison = { right: 0, wrong: [], missed: [] }
  for (const [field, allowed] of fields) {
    const found = parsed ? valuesOf(parsed, field) : []
    if (found.length === 0) result.missed.push(field)
    else if (isRight(field, found, allowed)) result.right++
    else result.wrong.push(`${field}: ${found.join(' | ').slice(0, 200)} instead of ${allowed.join(' | ').slice(0, 200)}`)
  }
  return result
}

function valuesOf (parsed: ParsedImage, field: string): string[] {
  const { genParams, checkpoint, loras } = parsed
  if (field === 'model') return checkpoint ? [checkpoint.name] : []
  if (field === 'model_hash') return checkpoint?.hash ? [checkpoint.hash] : []
  if (field === 'loras') return loras.map(({ name, fileName }) => stemOf(fileName || name))
  if (field === 'lora_hashes') return loras.map(({ hash }) => hash)
  const value = genParams[field as keyof typeof genParams]
  return value === undefined ? [] : [String(value)]
}

const wholeLists: ReadonlySet<string> = new Set(['loras', 'lora_hashes'])

/** Lists must be the same; of a prompt every line must be one of those expected; else one of the values. */
function isRight (field: string, found: readonly string[], allowed: readonly string[]): boolean {
  if (wholeLists.has(field)) return [...found].sort().join('\n') === [...allowed].sort().join('\n')
  if (field.endsWith('prompt')) {
    const lines = new Set(allowed.flatMap((text) => text.split('\n')).map((line) => line.trim()))
    return found.every((text) => text.split('\n').every((line) => lines.has(line.trim()) || line.trim() === ''))
  }
  return allowed.some((value) => found.includes(value) || (value.trim() !== '' && found.some((one) => Number(one) === Number(value) && one.length < 16)))
}
