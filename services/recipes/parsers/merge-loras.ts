import { stemKey } from './model-file.ts'
import type { ParsedLora } from './types.ts'

/**
 * One list of two sources of the same image. The first one's LoRAs stay where they are and learn hash, ids and strength that only the
 * second gives; those that only the second names follow.
 */
export function mergeLoras (first: readonly ParsedLora[], second: readonly ParsedLora[]): ParsedLora[] {
  const merged = first.map((lora) => ({ ...lora }))
  for (const lora of second) {
    const same = merged.find((other) => isSame(other, lora))
    if (!same) merged.push({ ...lora })
    else {
      if (same.hash === '') same.hash = lora.hash
      if (same.versionId === 0) [same.versionId, same.modelId] = [lora.versionId, lora.modelId]
      if (same.fileName === '' || stemKey(same.fileName) === same.fileName.toLowerCase()) same.fileName = lora.fileName || same.fileName
      if (same.strengthFrom === 'default') [same.strength, same.strengthFrom] = [lora.strength, lora.strengthFrom]
    }
  }
  return merged
}

function isSame (a: ParsedLora, b: ParsedLora): boolean {
  if (a.versionId > 0 && b.versionId > 0) return a.versionId === b.versionId
  if (a.hash !== '' && a.hash === b.hash) return true
  const [one, other] = [stemKey(a.fileName || a.name), stemKey(b.fileName || b.name)]
  return one !== '' && one === other
}
