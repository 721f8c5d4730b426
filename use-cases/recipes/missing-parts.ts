import { InvalidInputError, NotFoundError } from '../../services/errors.ts'
import type { Downloads } from '../../services/downloads/ports.ts'
import type { ModelIndex } from '../../services/models/ports.ts'
import { readTexts } from '../../services/models/read-value.ts'
import { clamp } from '../../services/query-values.ts'
import { collectMissing, type MissingPart, type MissingParts } from '../../services/recipes/collect-missing.ts'
import type { PartOffer, PartOffers } from '../../services/recipes/part-offers.ts'
import type { RecipeShelf } from '../../services/recipes/ports.ts'
import { isEarly, queueParts, type QueuedParts } from './queue-parts.ts'

export interface MissingDeps {
  shelf: Pick<RecipeShelf, 'get' | 'ids' | 'bindLora' | 'bindCheckpoint' | 'version'>
  offers: PartOffers
  loras: Pick<ModelIndex, 'version' | 'versionsOf'>
  checkpoints: Pick<ModelIndex, 'version' | 'versionsOf'>
  downloads: Pick<Downloads, 'enqueue' | 'list'>
}

export interface MissingPartView {
  key: string
  type: MissingPart['type']
  name: string
  version_name: string
  base_model: string
  hash: string
  model_id: number | null
  model_version_id: number | null
  /** How many recipes name it, and how many of them lack nothing else. */
  recipe_count: number
  completes: number
  recipe_ids: string[]
  /** `available`, `early-access`, `gone`, `unknown` (ask again), `unidentified`. */
  state: string
  reason: string | null
  source: string | null
  file_name: string
  size: number | null
  early_access_until: string | null
  /** Other versions of the same model that the library has. */
  owned: { model_version_id: number, version_name: string, file_name: string, newer: boolean }[]
  /** Paths of local models of that name: a rematch or a reconnect may do. */
  candidates: string[]
}

export interface MissingReport {
  items: MissingPartView[]
  next: string | null
  recipes: number
  incomplete_recipes: number
  parts: number
  downloadable: number
  /** Bytes of what can be downloaded and tells its size. */
  total_size: number
  unknown_sizes: number
  /** Parts that nobody could be asked for yet. */
  pending: number
  /** The one download that completes the most recipes. */
  best: { key: string, completes: number } | null
}

const LARGEST_PAGE = 200
const MOST_RECIPES_SHOWN = 50
const PATIENCE_MS = 15_000

interface Found { report: MissingParts, offers: Map<string, PartOffer> }

/** What recipes lack and where it can be had (all recipes, or the given). */
export function createMissingParts (deps: MissingDeps) {
  let last: { key: string, report: Promise<MissingParts> } | null = null

  /** Answers for all recipes are kept until a recipe or the library changes. */
  async function collected (ids: readonly string[] | undefined): Promise<MissingParts> {
    const { shelf, loras, checkpoints } = deps
    if (ids) return await collectMissing(shelf, ids)
    const key = `${shelf.version} ${loras.version} ${checkpoints.version}`
    if (last?.key !== key) {
      const report = collectMissing(shelf, shelf.ids())
      last = { key, report }
      report.catch(() => { last = null })
    }
    return await last.report
  }

  async function find (ids: readonly string[] | undefined): Promise<Found> {
    const report = await collected(ids)
    const offers = await deps.offers.of(report.parts, { urgent: true, signal: AbortSignal.timeout(PATIENCE_MS), patienceMs: 0 })
    return { report, offers }
  }

  return {
    /** @throws InvalidInputError, NotFoundError */
    async list ({ recipeIds, limit = 50, after }: { recipeIds?: string[] | undefined, limit?: number | undefined, after?: string | undefined }): Promise<MissingReport> {
      if (after !== undefined && !/^\d{1,9}$/.test(after)) throw new InvalidInputError('"after" is not a position in this list')
      requireKnown(deps, recipeIds)
      const { report, offers } = await find(recipeIds)
      const views = report.parts.map((part) => viewOf(deps, part, offers.get(part.key))).sort(mostUsefulFirst)
      const start = Number(after ?? 0)
      const size = clamp(limit, 1, LARGEST_PAGE)
      const items = views.slice(start, start + size)
      return { items, next: start + items.length < views.length ? String(start + items.length) : null, ...totalsOf(report, views) }
    },
    /** Queues what can be had of it, all or the parts with these keys. @throws InvalidInputError, NotFoundError */
    async download (body: Record<string, unknown>): Promise<QueuedParts> {
      const recipeIds = body.recipe_ids === undefined ? undefined : readTexts(body.recipe_ids)
      const keys = body.keys === undefined ? undefined : new Set(readTexts(body.keys))
      if (recipeIds?.length === 0 || keys?.size === 0) throw new InvalidInputError('recipe_ids and keys must be lists of texts, or absent')
      requireKnown(deps, recipeIds)
      const { report, offers } = await find(recipeIds)
      const wanted = report.parts.filter(({ key }) => keys === undefined || keys.has(key))
      const gone = [...keys ?? []].filter((key) => !wanted.some((part) => part.key === key))
      const queued = queueParts(deps.downloads, wanted.map((part) => ({ part, offer: offers.get(part.key) })))
      return { ...queued, skipped: [...queued.skipped, ...gone.map((key) => ({ key, reason: 'not-missing' }))] }
    }
  }
}

function requireKnown ({ shelf }: MissingDeps, ids: readonly string[] | undefined): void {
  const unknown = ids?.find((id) => !shelf.get(id))
  if (unknown !== undefined) throw new NotFoundError('There is no such recipe', 'recipe-not-found')
}

function viewOf ({ loras, checkpoints }: MissingDeps, part: MissingPart, offer: PartOffer | undefined): MissingPartView {
  const found = offer?.state === 'available' ? offer : null
  const modelId = found?.modelId ?? (part.modelId || null)
  const versionId = found?.versionId ?? (part.versionId || null)
  const local = modelId === null ? [] : (part.type === 'lora' ? loras : checkpoints).versionsOf(modelId)
  return {
    key: part.key,
    type: part.type,
    name: found?.name ?? part.name,
    version_name: found?.versionName ?? part.versionName,
    base_model: found?.baseModel ?? part.baseModel,
    hash: part.hash,
    model_id: modelId,
    model_version_id: versionId,
    recipe_count: part.recipes.length,
    completes: part.completes,
    recipe_ids: part.recipes.slice(0, MOST_RECIPES_SHOWN),
    state: found && isEarly(found) ? 'early-access' : offer?.state ?? 'unknown',
    reason: offer?.state === 'unknown' ? offer.reason : null,
    source: found?.source ?? null,
    file_name: found?.fileName ?? '',
    size: found?.size ?? null,
    early_access_until: found?.earlyAccessUntil ?? null,
    owned: local.map((own) => ({ model_version_id: own.versionId, version_name: own.name, file_name: own.fileName, newer: versionId !== null && own.versionId > versionId })),
    candidates: part.candidates
  }
}

/** What completes the most, then what helps the most, then the smallest; what can't be had at the end. */
function mostUsefulFirst (one: MissingPartView, other: MissingPartView): number {
  return Number(other.state === 'available') - Number(one.state === 'available') || other.completes - one.completes || other.recipe_count - one.recipe_count ||
    (one.size ?? Infinity) - (other.size ?? Infinity) || (one.key < other.key ? -1 : 1)
}

function totalsOf ({ recipes, incomplete, parts }: MissingParts, views: readonly MissingPartView[]): Omit<MissingReport, 'items' | 'next'> {
  const available = views.filter(({ state }) => state === 'available')
  const [best] = available
  return {
    recipes,
    incomplete_recipes: incomplete,
    parts: parts.length,
    downloadable: available.length,
    total_size: available.reduce((sum, { size }) => sum + (size ?? 0), 0),
    unknown_sizes: available.filter(({ size }) => size === null).length,
    pending: views.filter(({ state }) => state === 'unknown').length,
    best: best ? { key: best.key, completes: best.completes } : null
  }
}
