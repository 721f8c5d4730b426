import type { IndexedModel } from '../models/entry.ts'
import { previewUrl } from '../models/preview-url.ts'
import { readText } from '../models/read-value.ts'
import { bindEntry } from './bind-entry.ts'
import { weightStem } from './checkpoint-entry.ts'
import { readId } from './float-text.ts'
import { withGenParamAliases } from './gen-params.ts'
import type { Binding, Recipe } from './ports.ts'
import type { ModelLookups } from './resolve-types.ts'
import type { RecipeCheckpointEntry, RecipeLoraEntry } from './schema.ts'

/** What clients show where there is no image. */
export const NO_PREVIEW = '/loras_static/images/no-preview.png'

type Shown = Record<string, unknown>

export interface Presenter {
  lora (entry: RecipeLoraEntry, baseModel?: string): Shown
  checkpoint (entry: RecipeCheckpointEntry): Shown
  /** JSON of what `lora` and `checkpoint` answer for the entry of this JSON; most are told by their hash, without parsing. */
  loraJson (text: string, facts: LoraFacts, baseModel: string): string
  checkpointJson (text: string, facts: CheckpointFacts): string
  /** The whole recipe; `dates` also as text. */
  recipe (recipe: Pick<Recipe, 'document' | 'imagePath'>, options?: { dates: boolean }): Shown
}

export interface LoraFacts { hash: string, version: number, name: string }
export interface CheckpointFacts { checkpoint: string, checkpointVersion: number }
/** Its version changes with whatever models say of themselves. */
type VersionedLookups = ModelLookups & { readonly version: number }

/** Members that answers set, or look at: an entry that holds one of them is parsed, so that none is there twice or overlooked. */
const SET_BY_US = /"(?:inLibrary|localPath|preview_url|thumbnailUrl|matched_by|renamed|ambiguous|model_type|sameModelLocal)"/
/** Other versions of its model may be there. */
const MODEL_ID = /"modelId":"?(\d+)/

/** Adds to recipes what the library knows of their models; what is stored is never changed (recipes §6). */
export function createPresenter ({ loras, checkpoints }: { loras: VersionedLookups, checkpoints: VersionedLookups }): Presenter {
  const localLora = localModels(loras, () => ({}))
  const localCheckpoint = localModels(checkpoints, ({ sub_type: type }) => ({ model_type: type ?? 'checkpoint' }))
  const lora = (entry: RecipeLoraEntry, baseModel = ''): Shown => shownEntry(loras, entry, bindEntry(loras, entry, baseModel))
  const checkpoint = (entry: RecipeCheckpointEntry): Shown => {
    const binding = bindEntry(checkpoints, entry)
    const shown = shownEntry(checkpoints, entry, binding)
    const kept = previewAddress(entry.preview_url) ?? previewAddress(entry.thumbnailUrl)
    if (kept !== undefined) shown.preview_url = kept
    if (binding.state === 'bound') shown.model_type ??= binding.model.sub_type ?? 'checkpoint'
    return shown
  }
  return {
    lora,
    checkpoint,
    loraJson (text, { hash, version, name }, baseModel) {
      const local = hash === '' || SET_BY_US.test(text) ? undefined : localLora(hash)
      if (local && name !== '') return withLocal(text, name, local)
      if (local === null && isAbsent(loras, text, version)) return text.slice(0, -1) + MISSING
      return JSON.stringify(lora(JSON.parse(text) as RecipeLoraEntry, baseModel))
    },
    checkpointJson (text, { checkpoint: hash, checkpointVersion }) {
      const local = hash === '' || SET_BY_US.test(text) ? undefined : localCheckpoint(hash)
      if (local === null && isAbsent(checkpoints, text, checkpointVersion)) return text.slice(0, -1) + MISSING
      const entry = JSON.parse(text) as RecipeCheckpointEntry
      const name = readText(entry.file_name)
      return local && name !== '' ? withLocal(text, name, local) : JSON.stringify(checkpoint(entry))
    },
    recipe ({ document, imagePath }, { dates } = { dates: true }) {
      const { loras: entries, checkpoint: base, gen_params: params, ...rest } = document
      return {
        ...rest,
        loras: entries.map((entry) => lora(entry, readText(document.base_model))),
        gen_params: withGenParamAliases(params),
        ...(base && { checkpoint: checkpoint(base) }),
        file_url: fileUrl(imagePath),
        ...(dates && formattedDates(document.created_date, document.modified))
      }
    }
  }
}

const MISSING = ',"inLibrary":false,"preview_url":null,"localPath":null}'

/** What answers add of one model that is found by its hash. */
interface LocalModel { fileName: string, members: string }

const MOST_LOCAL = 20_000

/** By hash; null: the library has none. Those it has are kept until models change, since the same few are in many recipes. */
function localModels (lookups: VersionedLookups, more: (model: IndexedModel) => Shown): (hash: string) => LocalModel | null {
  const known = new Map<string, LocalModel>()
  let version = -1
  return (hash) => {
    if (version !== lookups.version || known.size >= MOST_LOCAL) known.clear()
    version = lookups.version
    const found = known.get(hash)
    if (found) return found
    const [model] = lookups.byHash(hash)
    if (!model) return null
    const shown = { inLibrary: true, ...knownLocally({ hash, file_name: model.file_name }, 'hash', model), ...more(model) }
    const local = { fileName: model.file_name, members: JSON.stringify(shown).slice(1, -1) }
    known.set(hash, local)
    return local
  }
}

function withLocal (text: string, name: string, { fileName, members }: LocalModel): string {
  return `${text.slice(0, -1)},${members}${name === fileName || weightStem(name) === fileName ? '' : ',"renamed":true'}}`
}

/** Neither the version nor another one of its model is there. */
function isAbsent (lookups: ModelLookups, text: string, version: number): boolean {
  if (version !== 0 && lookups.byVersionId(version).length > 0) return false
  const model = MODEL_ID.exec(text)
  return !model || lookups.versionsOf(Number(model[1])).length === 0
}

/** Most names are ids, which nothing needs to escape; most recipes share a few folders. */
const PLAIN_NAME = /^[\w.-]*$/
const MOST_FOLDERS = 5000
const folderUrls = new Map<string, string>()

export function fileUrl (imagePath: string): string {
  const slash = imagePath.lastIndexOf('/') + 1
  const name = imagePath.slice(slash)
  if (slash === 0 || !PLAIN_NAME.test(name)) return previewUrl(imagePath) || NO_PREVIEW
  const folder = imagePath.slice(0, slash)
  const known = folderUrls.get(folder)
  if (known !== undefined) return known + name
  if (folderUrls.size >= MOST_FOLDERS) folderUrls.clear()
  const url = previewUrl(folder)
  folderUrls.set(folder, url)
  return url + name
}

function shownEntry (lookups: ModelLookups, entry: Readonly<Record<string, unknown>>, binding: Binding): Shown {
  const shown: Shown = { ...entry, inLibrary: binding.state === 'bound' }
  if (binding.state === 'bound') return Object.assign(shown, knownLocally(entry, binding.by, binding.model))
  if (binding.state === 'ambiguous') shown.ambiguous = binding.candidates.map(({ file_path: path }) => path)
  if (readText(entry.hash) !== '') Object.assign(shown, { preview_url: null, localPath: null })
  const others = lookups.versionsOf(readId(entry.modelId))
  if (others.length > 0) shown.sameModelLocal = others.map(({ versionId, name, fileName }) => ({ modelVersionId: versionId, version: name, file_name: fileName }))
  return shown
}

function knownLocally (entry: Readonly<Record<string, unknown>>, by: string, model: IndexedModel): Shown {
  const stem = weightStem(readText(entry.file_name))
  return {
    localPath: model.file_path,
    preview_url: previewUrl(model.preview_url) || null,
    matched_by: by,
    ...(stem === '' && { file_name: model.file_name }),
    ...(readText(entry.hash) === '' && { hash: model.sha256 }),
    ...(stem !== '' && stem !== model.file_name && { renamed: true })
  }
}

/** Files wrote paths as well as addresses. */
function previewAddress (value: unknown): string | undefined {
  const text = readText(value)
  if (text === '') return undefined
  return text.startsWith('/api/lm/previews?') || /^[a-z][a-z0-9+.-]+:\/\//i.test(text) || text === NO_PREVIEW ? text : previewUrl(text)
}

export function formattedDates (created: unknown, modified: unknown): Record<string, string> {
  const dates: Record<string, string> = {}
  if (typeof created === 'number' && created > 0) dates.created_date_formatted = localTime(created)
  if (typeof modified === 'number' && modified > 0) dates.modified_formatted = (modified === created ? dates.created_date_formatted : undefined) ?? localTime(modified)
  return dates
}

/** `YYYY-MM-DD HH:MM:SS` where the server is. */
function localTime (seconds: number): string {
  const time = new Date(seconds * 1000)
  if (Number.isNaN(time.getTime())) return ''
  return `${String(time.getFullYear()).padStart(4, '0')}-${twoDigits(time.getMonth() + 1)}-${twoDigits(time.getDate())} ${twoDigits(time.getHours())}:${twoDigits(time.getMinutes())}:${twoDigits(time.getSeconds())}`
}

function twoDigits (number: number): string {
  return number < 10 ? `0${number}` : String(number)
}
