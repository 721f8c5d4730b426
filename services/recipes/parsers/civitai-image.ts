import { civitaiReference, stemKey, stemOf } from './model-file.ts'
import { MAX_LORAS, checkpointOf, genParams, loraOf, parsedImage, present, round2 } from './parsed-image.ts'
import { promptTags } from './prompt-tags.ts'
import { fieldsIn, hashIn, idIn, integerIn, listIn, nameIn, numberIn, promptIn, seedIn, sizeIn, sizeOf, type Fields } from './read-fields.ts'
import type { ParsedModel, ParsedImage, ParsedLora } from './types.ts'

const signs = ['resources', 'civitaiResources', 'additionalResources', 'hashes', 'prompt', 'negativePrompt', 'steps', 'sampler', 'cfgScale', 'seed', 'width', 'height', 'Model', 'Model hash', 'modelVersionIds'] as const
/** What makes an inner `meta` the metadata, and the rest its envelope. */
const innerSigns = ['resources', 'civitaiResources', 'additionalResources', 'hashes', 'prompt', 'negativePrompt'] as const
const loraTypes: ReadonlySet<string> = new Set(['lora', 'lycoris', 'locon', 'dora'])
const MAX_INDEXED = 64

/** The `meta` of CivitAI's image API (recipes §10.7); null when it has nothing of that. */
export function civitaiImage (given: Fields): ParsedImage | null {
  const inner = fieldsIn(given.meta)
  const meta = innerSigns.some((key) => key in inner) ? { modelVersionIds: given.modelVersionIds, ...inner } : given
  if (!signs.some((key) => key in meta || key in inner)) return null
  const loras = lorasIn(meta)
  const checkpoint = checkpointIn(meta)
  return parsedImage('civitai', 'from_civitai_image', {
    genParams: genParams({
      prompt: promptIn(meta.prompt),
      negative_prompt: promptIn(meta.negativePrompt),
      steps: integerIn(meta.steps),
      sampler: nameIn(meta.sampler),
      scheduler: nameIn(meta.scheduler) ?? nameIn(meta['Schedule type']),
      cfg_scale: numberIn(meta.cfgScale),
      seed: seedIn(meta.seed),
      size: sizeIn(meta.Size) ?? sizeOf(meta.width, meta.height),
      clip_skip: integerIn(meta.clipSkip) ?? integerIn(meta['Clip skip']),
      denoising_strength: numberIn(meta.denoise) ?? numberIn(meta['Denoising strength'])
    }),
    loras,
    checkpoint,
    baseModel: nameIn(meta.baseModel) ?? null,
    embeddings: embeddingsIn(meta),
    unknownVersions: loras.length > 0 ? [] : [...new Set(listIn(meta.modelVersionIds).map(idIn))].filter((id) => id > 0 && id !== checkpoint?.versionId).map((versionId) => ({ versionId, strength: 1 }))
  })
}

const typeOf = (resource: Fields): string | undefined => nameIn(resource.type)?.toLowerCase()
const lists = (meta: Fields, key: string): Fields[] => listIn(meta[key]).slice(0, MAX_LORAS).map(fieldsIn)

function checkpointIn (meta: Fields): ParsedModel | null {
  const resource = lists(meta, 'resources').find((entry) => typeOf(entry) === 'model' || typeOf(entry) === 'checkpoint')
  const listed = lists(meta, 'civitaiResources').find((entry) => typeOf(entry) === 'checkpoint')
  const model = resource && checkpointOf({ name: resource.name, fileName: resource.name, hash: resource.hash, versionId: resource.modelVersionId })
  if (listed) {
    const named = checkpointOf({ name: listed.modelName ?? model?.name, fileName: model?.fileName, hash: model?.hash, versionId: listed.modelVersionId, modelId: listed.modelId, versionName: listed.modelVersionName })
    return named ?? model ?? null
  }
  return model ?? checkpointOf({ name: meta.Model, fileName: meta.Model, hash: hashIn(meta['Model hash']) || hashIn(fieldsIn(meta.hashes).model) })
}

function lorasIn (meta: Fields): ParsedLora[] {
  const hashes = new Map(Object.entries(fieldsIn(meta.hashes)).filter(([key]) => /^(?:lora|lyco|lycoris):/i.test(key)).slice(0, MAX_LORAS).map(([key, hash]) => [key.slice(key.indexOf(':') + 1), hashIn(hash)]))
  const hashOf = (name: string): string => [...hashes].find(([other]) => stemKey(other) === stemKey(name))?.[1] ?? ''
  const weights = new Map(promptTags(promptIn(meta.prompt) ?? '').map(({ name, strength }) => [stemKey(name), strength]))
  const weightOf = (name: unknown, given: unknown): number | undefined => numberIn(given) ?? weights.get(stemKey(nameIn(name) ?? ''))
  const found: (ParsedLora | null)[] = []
  for (const resource of lists(meta, 'resources')) {
    if (!loraTypes.has(typeOf(resource) ?? 'lora')) continue
    const hash = hashIn(resource.hash) || hashOf(nameIn(resource.name) ?? '')
    found.push(loraOf({ name: resource.name, fileName: resource.name, hash, versionId: resource.modelVersionId, type: typeOf(resource), strength: weightOf(resource.name, resource.weight) }))
  }
  for (const resource of lists(meta, 'civitaiResources')) {
    if (!loraTypes.has(typeOf(resource) ?? 'lora')) continue
    const weight = numberIn(resource.weight)
    found.push(loraOf({ name: resource.modelName, versionId: resource.modelVersionId, modelId: resource.modelId, versionName: resource.modelVersionName, type: typeOf(resource), strength: weight === undefined ? undefined : round2(weight) }))
  }
  for (const resource of lists(meta, 'additionalResources')) {
    const reference = civitaiReference(nameIn(resource.name) ?? '')
    if (!loraTypes.has(typeOf(resource) ?? '') || !reference) continue
    found.push(loraOf({ name: `Lora ${reference.modelId}`, versionId: reference.versionId, modelId: reference.modelId, type: typeOf(resource), strength: resource.strength ?? resource.weight }))
  }
  for (const [name, hash] of hashes) if (hash !== '') found.push(loraOf({ name: stemOf(name), fileName: name, hash, strength: weightOf(name, undefined) }))
  for (let n = 0; n < MAX_INDEXED; n++) {
    const [name, hash] = [nameIn(meta[`Lora_${n} Model name`]), meta[`Lora_${n} Model hash`]]
    if (name !== undefined || hash !== undefined) found.push(loraOf({ name: stemOf(name ?? ''), fileName: name, hash, strength: meta[`Lora_${n} Strength model`], clipStrength: meta[`Lora_${n} Strength clip`] }))
  }
  return withoutRepeats(present(found))
}

/** By version id, hash and name: what comes first says more. */
function withoutRepeats (loras: readonly ParsedLora[]): ParsedLora[] {
  const seen = new Set<string>()
  return loras.filter((lora) => {
    const keys = [lora.versionId > 0 ? `v${lora.versionId}` : '', lora.hash === '' ? '' : `h${lora.hash}`, lora.fileName === '' ? '' : `n${stemKey(lora.fileName)}`].filter((key) => key !== '')
    if (keys.some((key) => seen.has(key))) return false
    for (const key of keys) seen.add(key)
    return true
  })
}

function embeddingsIn (meta: Fields): ParsedImage['embeddings'] {
  const named = Object.entries(fieldsIn(meta.hashes)).filter(([key]) => /^embed:/i.test(key)).map(([key, hash]) => ({ name: stemOf(key.slice(6)), hash: hashIn(hash), versionId: 0 }))
  const listed = lists(meta, 'civitaiResources').filter((entry) => /^embed/i.test(typeOf(entry) ?? '')).map((entry) => ({ name: nameIn(entry.modelName) ?? '', hash: '', versionId: idIn(entry.modelVersionId) }))
  return [...named, ...listed]
}
