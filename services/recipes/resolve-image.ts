import type { IndexedModel } from '../models/entry.ts'
import { blankCheckpoint, blankLora, withLocal, withVersion } from './analysis-entry.ts'
import { bindEntry } from './bind-entry.ts'
import { stemKey } from './parsers/model-file.ts'
import type { ParsedModel, ParsedImage, ParsedLora, ParsedUnknownVersion } from './parsers/types.ts'
import type { AnalysisCheckpoint, AnalysisLora, ModelLookups, ResolvedImage, VersionLookups } from './resolve-types.ts'
import { createVersionAsker, type VersionAsker } from './version-asker.ts'

export interface ResolverDeps { loras: ModelLookups, checkpoints: ModelLookups, versions: VersionLookups }

/** Questions to others at a time. */
const AT_ONCE = 4
const AUTOV3_LENGTH = 12
const loraTypes: ReadonlySet<string> = new Set(['lora', 'locon', 'dora', 'lycoris', 'hypernetwork'])
const checkpointTypes: ReadonlySet<string> = new Set(['checkpoint', 'diffusion_model', 'diffusionmodel'])

/**
 * What an image names, looked up: in the library by hash, version id, path and unique name, then with CivitAI by version id or hash.
 * Only its definite "not found" marks an entry as deleted; where nobody could be asked the entry stays as the image has it.
 */
export function createImageResolver ({ loras, checkpoints, versions }: ResolverDeps): (parsed: ParsedImage) => Promise<ResolvedImage> {
  return async (parsed) => {
    const asker = createVersionAsker(versions)
    const checkpoint = parsed.checkpoint && await resolveCheckpoint(parsed.checkpoint, checkpoints, asker)
    const baseModel = checkpoint?.baseModel || parsed.baseModel || ''
    const found = await resolveLoras(parsed.loras, { loras, asker, baseModel })
    const unknown = await resolveUnknown(parsed.unknownVersions, { loras, checkpoints, asker })
    const entries = [...found, ...unknown.loras]
    return shape(parsed, checkpoint ?? unknown.checkpoint, entries)
  }
}

async function resolveCheckpoint (parsed: ParsedModel, lookups: ModelLookups, asker: VersionAsker): Promise<AnalysisCheckpoint> {
  const entry = blankCheckpoint(parsed)
  const binding = bindEntry(lookups, { hash: parsed.hash, modelVersionId: parsed.versionId, file_name: parsed.fileName }, parsed.baseModel)
  if (binding.state === 'bound') return withLocal(entry, binding.model, binding.by)
  const answer = await asker.ask(parsed)
  if (answer === undefined) return entry
  if (answer.kind === 'not-found') return { ...entry, isDeleted: true }
  if (answer.kind !== 'found') return { ...entry, unresolved: true }
  const { value: version } = answer
  if (!checkpointTypes.has(version.model?.type?.toLowerCase() ?? '')) return entry
  const told = withVersion(entry, version)
  const [model] = told.hash === '' ? [] : lookups.byHash(told.hash)
  return model ? withLocal(told, model, 'hash') : told
}

interface LoraSearch { loras: ModelLookups, asker: VersionAsker, baseModel: string }

/** In the order of the image. Entries that turn out to be the same are one. */
async function resolveLoras (parsed: readonly ParsedLora[], search: LoraSearch): Promise<AnalysisLora[]> {
  const resolved: (AnalysisLora | null)[] = []
  for (let at = 0; at < parsed.length; at += AT_ONCE) resolved.push(...await Promise.all(parsed.slice(at, at + AT_ONCE).map(async (lora) => await resolveLora(lora, search))))
  const entries: AnalysisLora[] = []
  for (const [index, entry] of resolved.entries()) {
    const lora = parsed[index]
    if (!entry || !lora) continue
    const same = entries.find((other) => isSame(other, entry, lora))
    if (same) Object.assign(same, lora.strengthFrom === 'tag' ? { weight: lora.strength } : {}, entry.existsLocally && !same.existsLocally ? { ...entry, weight: same.weight } : {})
    else if (lora.onlyIfFound !== true || entry.existsLocally || entry.downloadUrl !== '') entries.push(entry)
  }
  return entries
}

/** Null for what is no LoRA. */
async function resolveLora (parsed: ParsedLora, { loras, asker, baseModel }: LoraSearch): Promise<AnalysisLora | null> {
  const entry = blankLora(parsed)
  const binding = bindEntry(loras, { hash: parsed.hash, modelVersionId: parsed.versionId, file_name: parsed.fileName }, baseModel)
  if (binding.state === 'bound') return withLocal(entry, binding.model, binding.by)
  if (binding.state === 'ambiguous') return { ...entry, ambiguous: binding.candidates.map((model) => model.file_path) }
  const answer = await asker.ask(parsed)
  if (answer === undefined) return entry
  if (answer.kind !== 'found') {
    const named = parsed.versionId === 0 ? withoutHash(parsed, loras, baseModel) : undefined
    if (named) return withLocal(entry, named, 'name')
    return answer.kind === 'not-found' ? { ...entry, isDeleted: true } : { ...entry, unresolved: true }
  }
  const { value: version } = answer
  if (!loraTypes.has(version.model?.type?.toLowerCase() ?? '')) return null
  const told = withVersion(entry, version)
  const [model] = told.hash === '' ? [] : loras.byHash(told.hash)
  return model ? withLocal(told, model, 'hash') : told
}

/** The one model of that name, where its hash of that kind is not known and so can't tell that it is another file. */
function withoutHash ({ hash, fileName }: ParsedLora, loras: ModelLookups, baseModel: string): IndexedModel | undefined {
  const binding = bindEntry(loras, { file_name: fileName }, baseModel)
  if (binding.state !== 'bound') return undefined
  const own = hash.length === AUTOV3_LENGTH ? binding.model.autov3 : binding.model.sha256
  return own ? undefined : binding.model
}

/** By version id or hash; a tag that only has a name means the entry whose file bears it. */
function isSame (a: AnalysisLora, b: AnalysisLora, parsed: ParsedLora): boolean {
  if (a.id !== undefined && b.id !== undefined) return a.id === b.id
  if (a.hash !== '' && b.hash !== '') return a.hash === b.hash
  return parsed.onlyIfFound === true && a.file_name !== '' && stemKey(a.file_name) === stemKey(b.file_name)
}

/** Version ids whose kind only a look-up tells. One that can't be looked up is no checkpoint by being first. */
async function resolveUnknown (parsed: readonly ParsedUnknownVersion[], { loras, checkpoints, asker }: { loras: ModelLookups, checkpoints: ModelLookups, asker: VersionAsker }): Promise<{ loras: AnalysisLora[], checkpoint: AnalysisCheckpoint | null }> {
  const found: AnalysisLora[] = []
  let main: AnalysisCheckpoint | null = null
  for (const { versionId, strength } of parsed) {
    const [local] = checkpoints.byVersionId(versionId)
    const answer = local || loras.byVersionId(versionId).length > 0 ? undefined : await asker.ask({ versionId, hash: '' })
    const type = answer?.kind === 'found' ? answer.value.model?.type?.toLowerCase() ?? '' : ''
    if (local || checkpointTypes.has(type)) main ??= await resolveCheckpoint({ name: '', fileName: '', hash: '', versionId, modelId: 0, versionName: '', baseModel: '', type: 'checkpoint' }, checkpoints, asker)
    else if (answer?.kind !== 'found' || loraTypes.has(type)) {
      const entry = await resolveLora({ name: '', fileName: '', hash: '', versionId, modelId: 0, versionName: '', baseModel: '', type: 'lora', strength, strengthFrom: 'default' }, { loras, asker, baseModel: '' })
      if (entry) found.push(entry)
    }
  }
  return { loras: found, checkpoint: main }
}

/** Which members there are depends on the format: clients know them so (recipes §10). */
function shape (parsed: ParsedImage, checkpoint: AnalysisCheckpoint | null, loras: AnalysisLora[]): ResolvedImage {
  const { flag } = parsed
  const always = flag === 'from_comfy_metadata' || flag === 'from_sui_image_params'
  const main = flag === 'from_civitai_image' ? { model: checkpoint } : always ? { checkpoint } : checkpoint ? { checkpoint, model: checkpoint } : {}
  return {
    base_model: baseModelOf(parsed, checkpoint, loras),
    loras,
    gen_params: parsed.genParams,
    ...main,
    [flag]: true,
    tool: parsed.tool,
    ...(parsed.title === undefined ? {} : { title: parsed.title }),
    ...(parsed.tags === undefined ? {} : { tags: parsed.tags }),
    ...(parsed.embeddings.length === 0 ? {} : { embeddings: parsed.embeddings.map(({ name, hash, versionId }) => ({ name, hash, ...(versionId > 0 ? { id: versionId } : {}) })) }),
    ...(flag === 'from_meta_format' ? { raw_metadata: parsed.raw } : {}),
    ...(parsed.warnings.length === 0 ? {} : { warnings: parsed.warnings })
  }
}

function baseModelOf ({ flag, baseModel }: ParsedImage, checkpoint: AnalysisCheckpoint | null, loras: readonly AnalysisLora[]): string | null {
  const counts = new Map<string, number>()
  for (const { baseModel: name } of loras) if (name !== '') counts.set(name, (counts.get(name) ?? 0) + 1)
  const [common] = [...counts].reduce<[string | null, number]>((best, entry) => entry[1] > best[1] ? entry : best, [null, 0])
  const main = checkpoint?.baseModel || null
  if (flag === 'from_comfy_metadata' || flag === 'from_sui_image_params') return common ?? main
  return flag === 'from_civitai_image' ? baseModel ?? main ?? common : main ?? baseModel ?? common
}
