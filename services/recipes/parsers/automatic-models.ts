import { civitaiReference, stemKey, stemOf } from './model-file.ts'
import { checkpointOf, loraOf, present, round2 } from './parsed-image.ts'
import { fieldsIn, hashIn, listIn, nameIn, numberIn, type Fields } from './read-fields.ts'
import type { Details } from './details.ts'
import type { PromptTag } from './prompt-tags.ts'
import type { Evidence, ParsedModel, ParsedEmbedding, ParsedLora } from './types.ts'

export interface AutomaticModels { loras: ParsedLora[], checkpoint: ParsedModel | null, embeddings: ParsedEmbedding[] }

const MAX_INDEXED = 64
const MAX_HASHES = 500
const loraTypes: ReadonlySet<string> = new Set(['lora', 'lycoris', 'locon', 'dora', 'hypernet', 'hypernetwork'])
const embeddingTypes: ReadonlySet<string> = new Set(['embed', 'embedding', 'textualinversion'])

/** A name with the hash that some member of the details gives it. */
interface NamedHash { kind: string, name: string, hash: string }

/**
 * Models that the details line names (recipes §10.4): CivitAI's resources by id, then the tags of the prompt, each with its hash,
 * then what only a hash stands for. Where resources list LoRAs, tags and hashes may mean the same ones and only count if they are found.
 */
export function automaticModels (details: Details, tags: readonly PromptTag[], json: Evidence['json']): AutomaticModels {
  const resources = resourcesIn(details, json)
  const hashes = namedHashes(details, json)
  const listed = present(resources.filter(({ type }) => loraTypes.has(type)).map(({ type, ...facts }) => loraOf({ ...facts, type })))
  const byName = loraEntries(details, hashes, tags)
  return {
    loras: [...listed, ...byName.map((lora) => listed.length > 0 ? { ...lora, onlyIfFound: true as const } : lora)],
    checkpoint: checkpointIn(details, resources, hashes),
    embeddings: [
      ...hashes.filter(({ kind }) => kind === 'embed').map(({ name, hash }) => ({ name, hash, versionId: 0 })),
      ...resources.filter(({ type }) => embeddingTypes.has(type)).map(({ name, versionId }) => ({ name: nameIn(name) ?? '', hash: '', versionId }))
    ]
  }
}

interface Resource { type: string, name: unknown, versionName: unknown, modelId: unknown, versionId: number, strength: unknown }

function resourcesIn (details: Details, json: Evidence['json']): Resource[] {
  return listIn(json(details.get('civitai resources') ?? '')).map((entry) => {
    const resource = fieldsIn(entry)
    const air = civitaiReference(nameIn(resource.air) ?? '')
    const weight = numberIn(resource.weight)
    return {
      type: (air?.type ?? nameIn(resource.type) ?? '').toLowerCase(),
      name: resource.modelName,
      versionName: resource.modelVersionName ?? resource.versionName,
      modelId: air?.modelId ?? resource.modelId,
      versionId: air?.versionId ?? numberIn(resource.modelVersionId) ?? 0,
      strength: weight === undefined ? undefined : round2(weight)
    }
  }).filter(({ versionId }) => versionId > 0)
}

/** `Hashes` first; `Lora hashes` and `TI hashes` fill what it leaves empty. */
function namedHashes (details: Details, json: Evidence['json']): NamedHash[] {
  const found = new Map<string, NamedHash>()
  const add = (kind: string, name: string, hash: string): void => {
    const key = `${kind}:${stemKey(name)}`
    const known = found.get(key)
    if (!known && found.size >= MAX_HASHES) return
    if (!known) found.set(key, { kind, name: stemOf(name), hash })
    else if (known.hash === '') known.hash = hash
  }
  for (const [key, value] of Object.entries(fieldsIn(json(details.get('hashes') ?? '')))) {
    const colon = key.indexOf(':')
    if (colon > 0) add(kindOf(key.slice(0, colon)), key.slice(colon + 1), hashIn(value))
    else add(key.toLowerCase(), '', hashIn(value))
  }
  for (const [name, hash] of pairsIn(details.get('lora hashes'))) if (hashIn(hash) !== '') add('lora', name, hashIn(hash))
  for (const [name, hash] of pairsIn(details.get('ti hashes'))) add('embed', name, hashIn(hash))
  return [...found.values()]
}

const kindOf = (prefix: string): string => {
  const kind = prefix.toLowerCase()
  return kind === 'lyco' || kind === 'lycoris' ? 'lora' : kind
}

/** `a: 1, b: 2`; names may hold colons, so the last one divides. */
function pairsIn (text: string | undefined): [string, string][] {
  return (text ?? '').split(',').flatMap((pair): [string, string][] => {
    const colon = pair.lastIndexOf(':')
    return colon > 0 ? [[pair.slice(0, colon).trim(), pair.slice(colon + 1).trim()]] : []
  })
}

function loraEntries (details: Details, hashes: readonly NamedHash[], tags: readonly PromptTag[]): ParsedLora[] {
  const weights = new Map(pairsIn(details.get('lora weights')).map(([name, weight]) => [stemKey(name), numberIn(weight)]))
  const entries = new Map<string, ParsedLora>()
  const add = (lora: ParsedLora | null): void => {
    const key = lora && `${lora.type}:${stemKey(lora.fileName || lora.name)}`
    if (lora && key !== null && !entries.has(key)) entries.set(key, lora)
  }
  const hashOf = (kind: string, name: string): string => hashes.find((entry) => entry.kind === kind && stemKey(entry.name) === stemKey(name))?.hash ?? ''
  for (const { kind, name, strength, clipStrength } of tags) {
    add(loraOf({ name: stemOf(name), fileName: name, type: kind, hash: hashOf(kind, name), strength, clipStrength, strengthFrom: 'tag' }))
  }
  for (const lora of indexedLoras(details)) add(lora)
  for (const { kind, name, hash } of hashes) {
    if (kind === 'lora' || kind === 'hypernet') add(loraOf({ name, fileName: name, type: kind, hash, strength: weights.get(stemKey(name)) }))
  }
  return [...entries.values()]
}

/** LoRAs by number: `Lora_0 Model name` of ComfyUI savers, `AddNet Model 1: name(hash)` of the extension of that name. */
export function indexedLoras (details: Details): ParsedLora[] {
  const found: (ParsedLora | null)[] = []
  for (let n = 0; n < MAX_INDEXED; n++) {
    const field = (name: string): string | undefined => details.get(`lora_${n} ${name}`)
    const name = field('model name') ?? field('name')
    const hash = field('model hash') ?? field('hash')
    if (name !== undefined || hash !== undefined) found.push(loraOf({ name: stemOf(name ?? ''), fileName: name, hash, strength: field('strength model'), clipStrength: field('strength clip') }))
    const model = details.get(`addnet model ${n}`)
    if (model === undefined || details.get('addnet enabled') === 'False') continue
    const [, file = model, addNetHash = ''] = /^([^()]*)\(([0-9a-fA-F]+)\)\s*$/.exec(model) ?? []
    found.push(loraOf({
      name: stemOf(file),
      fileName: file,
      hash: addNetHash,
      strength: details.get(`addnet weight a ${n}`) ?? details.get(`addnet weight ${n}`),
      clipStrength: details.get(`addnet weight b ${n}`)
    }))
  }
  return present(found)
}

function checkpointIn (details: Details, resources: readonly Resource[], hashes: readonly NamedHash[]): ParsedModel | null {
  const model = details.get('model')
  const hash = hashIn(details.get('model hash')) || (hashes.find(({ kind }) => kind === 'model')?.hash ?? '')
  const named = checkpointOf({ name: stemOf(model ?? ''), fileName: model, hash })
  const resource = resources.find(({ type }) => type === 'checkpoint')
  if (!resource) return named
  const facts: Fields = { ...resource, name: nameIn(resource.name) ?? named?.name, fileName: named?.fileName, hash: named?.hash, type: 'checkpoint' }
  return checkpointOf(facts)
}
