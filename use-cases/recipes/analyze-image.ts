import { readFile, stat } from 'node:fs/promises'
import { DomainError, InvalidInputError, NotFoundError } from '../../services/errors.ts'
import { enrichRecipe } from '../../services/recipes/enrich-recipe.ts'
import { fingerprint } from '../../services/recipes/fingerprint.ts'
import type { MediaIntake } from '../../services/recipes/media-intake.ts'
import type { RecipeMatch, RecipeShelf } from '../../services/recipes/ports.ts'
import { checkpointOf } from '../../services/recipes/read-image.ts'
import type { ReadablePlaces } from '../../services/recipes/readable-places.ts'
import type { ResolvedImage } from '../../services/recipes/resolve-types.ts'
import type { SourceImage, SourceImages } from '../../services/recipes/source-images.ts'
import type { RecipeVersions } from '../../services/recipes/version-lookups.ts'
import { withForm, type FormPart } from './upload-parts.ts'

export interface AnalysisDeps {
  shelf: Pick<RecipeShelf, 'byFingerprint'>
  images: SourceImages
  intake: MediaIntake
  places: ReadablePlaces
  versions: RecipeVersions
}

/** recipes §9.3: what an image tells, for the import dialogs. */
export interface Analysis extends Partial<Omit<ResolvedImage, 'loras'>> {
  loras: ResolvedImage['loras']
  error?: string
  image_base64?: string
  is_video?: boolean
  extension?: string
  fingerprint?: string
  matching_recipes?: RecipeMatch[]
  preview_nsfw_level?: number
}

/** Larger files are left out of the answer: as text they would take a third more, and the page could not show them. */
const MOST_INLINE_BYTES = 64 * 1024 * 1024
const NOTHING = 'No metadata found in this image'
const NO_PARSER = 'The metadata of this image is of a kind that is not understood'

/** @throws InvalidInputError without an image; DomainError `too-large` */
export const analyzeUpload = (deps: AnalysisDeps) => async (parts: AsyncIterable<FormPart>): Promise<Analysis> =>
  await withLoras(async () => await withForm(deps.intake, parts, { image: deps.intake.keep }, async ({ files }) => {
    const file = files.get('image')
    if (file === undefined) throw new InvalidInputError('No image field found', 'image-missing')
    if ((await stat(file)).size === 0) throw new InvalidInputError('The image is empty', 'image-missing')
    return await deps.images.fromFile(file, { urgent: true }, async (image) => image.image ? analysisOf(deps, image.image, image) : nothing(image))
  }))

/** @throws InvalidInputError, AddressRefusedError, DomainError `invalid` when it can't be had */
export const analyzeUrl = (deps: AnalysisDeps) => async (url: unknown): Promise<Analysis> => await withLoras(async () => {
  if (typeof url !== 'string' || url.trim() === '') throw new InvalidInputError('No URL provided', 'url-missing')
  return await deps.images.fromUrl(url.trim(), { urgent: true }, async (source) => {
    const inline = await inlined(source)
    if (!source.image) return { ...nothing(source), ...inline }
    const image = source.page ? await enriched(deps, source, source.image) : source.image
    const level = source.page?.level ?? 0
    return { ...analysisOf(deps, image, source), ...inline, ...(level > 0 && { preview_nsfw_level: level }) }
  })
})

/** @throws InvalidInputError, ForbiddenPathError, NotFoundError */
export const analyzeLocalImage = (deps: AnalysisDeps) => async (path: unknown): Promise<Analysis> => await withLoras(async () => {
  const file = deps.places.resolve(path)
  await requireFile(file)
  return await deps.images.fromFile(file, { urgent: true }, async (source) => {
    // What is no image is not shown: a path is not a way to read other files.
    const inline = source.format === null ? {} : await inlined(source)
    return { ...(source.image ? analysisOf(deps, source.image, source) : nothing(source)), ...inline }
  })
})

/** @throws NotFoundError */
export async function requireFile (path: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
    throw error
  })
  if (!found?.isFile()) throw new NotFoundError('File not found', 'file-not-found')
}

async function enriched ({ versions }: AnalysisDeps, { page }: SourceImage, image: ResolvedImage): Promise<ResolvedImage> {
  const own = checkpointOf(image)
  const parts = await enrichRecipe(versions.lookups({ urgent: true }), { gen_params: image.gen_params, checkpoint: own && { ...own }, base_model: image.base_model ?? '', image: page })
  const checkpoint = parts.checkpoint as ResolvedImage['checkpoint'] ?? null
  return { ...image, gen_params: parts.gen_params, base_model: parts.base_model || null, ...(checkpoint && { checkpoint, model: checkpoint }) }
}

function analysisOf ({ shelf }: AnalysisDeps, image: ResolvedImage, { video, extension }: SourceImage): Analysis {
  const own = fingerprint(image.loras.map((lora) => ({ ...lora })))
  return { ...image, is_video: video, extension: video ? extension : '.jpg', fingerprint: own, matching_recipes: own === '' ? [] : shelf.byFingerprint(own) }
}

/** `error` bears a text that clients test for. */
function nothing ({ problem, video, extension }: SourceImage): Analysis {
  return { error: problem === 'no-parser' ? NO_PARSER : NOTHING, loras: [], is_video: video, extension: video ? extension : '.jpg' }
}

async function inlined ({ file }: SourceImage): Promise<{ image_base64?: string }> {
  const { size } = await stat(file)
  return size > MOST_INLINE_BYTES ? {} : { image_base64: (await readFile(file)).toString('base64') }
}

/** Every answer of an analysis has a list of LoRAs, failures too. */
async function withLoras<T> (work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    throw new DomainError(error.kind, error.code, error.message, { ...error.fields, loras: [] }, { cause: error.cause ?? error })
  }
}
