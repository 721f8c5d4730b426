import { hashIn, idIn, nameIn, numberIn } from './read-fields.ts'
import { stemOf, withoutEnding } from './model-file.ts'
import type { GenParamKey, GenParams, ParsedModel, ParsedImage, ParsedLora, SourceFlag, Tool } from './types.ts'

/** LoRAs of one image; more are no recipe. */
export const MAX_LORAS = 500

/** A result with nothing in it but what is given. */
export function parsedImage (tool: Tool, flag: SourceFlag, facts: Partial<ParsedImage>): ParsedImage {
  return {
    tool,
    flag,
    genParams: {},
    checkpoint: null,
    baseModel: null,
    embeddings: [],
    unknownVersions: [],
    hires: null,
    hasWorkflow: false,
    raw: {},
    warnings: [],
    ...facts,
    loras: (facts.loras ?? []).slice(0, MAX_LORAS)
  }
}

/** Parameters without those that nothing was found for. */
export function genParams (found: Readonly<Partial<Record<GenParamKey, string | number | undefined>>>): GenParams {
  const given: GenParams = {}
  for (const [key, value] of Object.entries(found)) if (value !== undefined) given[key as GenParamKey] = value
  return given
}

/** What a format says of a model file; values as they stand there. */
export interface ModelFacts { name?: unknown, fileName?: unknown, hash?: unknown, versionId?: unknown, modelId?: unknown, versionName?: unknown, baseModel?: unknown, type?: unknown }

/** Null where it names nothing. */
export function checkpointOf ({ name, fileName, hash, versionId, modelId, versionName, baseModel, type }: ModelFacts): ParsedModel | null {
  const file = nameIn(fileName) ?? nameIn(name) ?? ''
  const found: ParsedModel = {
    name: nameIn(name) ?? stemOf(file),
    fileName: withoutEnding(file),
    hash: hashIn(hash),
    versionId: idIn(versionId),
    modelId: idIn(modelId),
    versionName: nameIn(versionName) ?? '',
    baseModel: nameIn(baseModel) ?? '',
    type: nameIn(type)?.toLowerCase() ?? 'checkpoint'
  }
  return found.name !== '' || found.hash !== '' || found.versionId > 0 ? found : null
}

export interface LoraFacts extends ModelFacts { strength?: unknown, clipStrength?: unknown, strengthFrom?: ParsedLora['strengthFrom'] }

/** Null where it names nothing. A strength that is no number counts as not given. */
export function loraOf ({ name, fileName, strength, clipStrength, strengthFrom = 'entry', hash, ...facts }: LoraFacts): ParsedLora | null {
  const file = nameIn(fileName) ?? ''
  const given = numberIn(strength)
  const clip = numberIn(clipStrength)
  const found: ParsedLora = {
    name: nameIn(name) ?? stemOf(file),
    fileName: withoutEnding(file),
    hash: hashIn(hash),
    versionId: idIn(facts.versionId),
    modelId: idIn(facts.modelId),
    versionName: nameIn(facts.versionName) ?? '',
    baseModel: nameIn(facts.baseModel) ?? '',
    type: nameIn(facts.type)?.toLowerCase() ?? 'lora',
    strength: given ?? 1,
    strengthFrom: given === undefined ? 'default' : strengthFrom,
    ...(clip !== undefined && clip !== given ? { clipStrength: clip } : {})
  }
  return found.name !== '' || found.hash !== '' || found.versionId > 0 ? found : null
}

/** Without those that named nothing. */
export function present<T> (items: readonly (T | null)[]): T[] {
  return items.filter((item): item is T => item !== null)
}

export function round2 (value: number): number {
  return Math.round(value * 100) / 100
}
