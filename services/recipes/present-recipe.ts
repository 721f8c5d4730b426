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
  checkpointJson (text: string, hash: string): string
  /** The whole recipe; `dates` also as text. */
  recipe (recipe: Pick<Recipe, 'document' | 'imagePath'>, options?: { dates: boolean }): Shown
}

export interface LoraFacts { hash: string, version: number, name: string }

/** Members that answers set, or look at: an entry that holds one of them is parsed, so that none is there twice or overlooked. */
const SET_BY_US = /"(?:inLibrary|localPath|preview_url|thumbnailUrl|matched_by|renamed|ambiguous|model_type|modelId|sameModelLocal)"/

/** Adds to recipes what the library knows of their models; what is stored is never changed (recipes §6). */
export function createPresenter ({ loras, checkpoints }: { loras: ModelLookups, checkpoints: ModelLookups }): Presenter {
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
      const plain = hash !== '' && name !== '' && !SET_BY_US.test(text)
      const [model] = plain ? loras.byHash(hash) : []
      if (model) return withMembers(text, { inLibrary: true, ...knownLocally({ hash, file_name: name }, 'hash', model) })
      const missing = plain || (hash !== '' && !SET_BY_US.test(text) && loras.byHash(hash).length === 0)
      if (missing && (version === 0 || loras.byVersionId(version).length === 0)) return text.slice(0, -1) + MISSING
      return JSON.stringify(lora(JSON.parse(text) as RecipeLoraEntry, baseModel))
    },
    checkpointJson (text, hash) {
      const entry = JSON.parse(text) as RecipeCheckpointEntry
      const absent = hash !== '' && !SET_BY_US.test(text) && checkpoints.byHash(hash).length === 0 && checkpoints.byVersionId(readId(entry.modelVersionId) || readId(entry.id)).length === 0
      return absent ? text.slice(0, -1) + MISSING : JSON.stringify(checkpoint(entry))
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

function withMembers (text: string, members: Shown): string {
  return `${text.slice(0, -1)},${JSON.stringify(members).slice(1)}`
}

export function fileUrl (imagePath: string): string {
  return previewUrl(imagePath) || NO_PREVIEW
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
  if (typeof modified === 'number' && modified > 0) dates.modified_formatted = localTime(modified)
  return dates
}

const twoDigits = (number: number): string => String(number).padStart(2, '0')

/** `YYYY-MM-DD HH:MM:SS` where the server is. */
function localTime (seconds: number): string {
  const time = new Date(seconds * 1000)
  if (Number.isNaN(time.getTime())) return ''
  const date = [time.getFullYear(), time.getMonth() + 1, time.getDate()].map(twoDigits).join('-')
  return `${date} ${[time.getHours(), time.getMinutes(), time.getSeconds()].map(twoDigits).join(':')}`
}
