import { createRecipePreview } from '../images/recipe-preview.ts'
import type { CallOptions } from '../network/types.ts'
import { canonicalCheckpoint } from './checkpoint-entry.ts'
import { enrichRecipe } from './enrich-recipe.ts'
import { titleFromPrompt } from './gen-params.ts'
import type { MissingVersions } from './missing-versions.ts'
import type { GenParams } from './parsers/types.ts'
import type { SettingsManager } from '../settings/types.ts'
import type { NewRecipe, RecipeShelf, SavedRecipe } from './ports.ts'
import { checkpointOf } from './read-image.ts'
import type { RecipeLoraEntry } from './schema.ts'
import type { SourceImage, SourceImages } from './source-images.ts'
import { integer, storedLoras } from './stored-lora.ts'
import type { RecipeVersions } from './version-lookups.ts'

/** What is to be stored of a recipe, apart from its image. */
export interface RecipeDraft {
  title: string
  tags: string[]
  base_model: string
  loras: RecipeLoraEntry[]
  checkpoint: Readonly<Record<string, unknown>> | null
  gen_params: GenParams | Record<string, unknown>
  source_path?: string | undefined
  /** 0 unknown. */
  preview_nsfw_level: number
  /** `<lora:…>` tags as a node wrote them. */
  loras_stack?: string | undefined
  /** Further members as they are. */
  kept?: Readonly<Record<string, unknown>> | undefined
}

/** What whoever imports wants; the rest comes from the image. */
export interface ImportWishes {
  /** Of a recipe without any other title. */
  fallbackTitle: string
  title?: string | undefined
  tags?: readonly string[] | undefined
  loras?: readonly RecipeLoraEntry[] | undefined
  checkpoint?: Readonly<Record<string, unknown>> | null | undefined
  base_model?: string | undefined
  gen_params?: Readonly<Record<string, unknown>> | undefined
  source_path: string
}

export interface SaveOptions {
  /** The route or job that asks, for the journal. */
  route: string
  /** Takes the place of this recipe: same id, folder and date. */
  replaces?: string | undefined
}

export interface RecipeMaker {
  /** Image and CivitAI's word together, completed by others. */
  compose (image: SourceImage, wishes: ImportWishes, options?: CallOptions): Promise<RecipeDraft>
  /** Makes the image of the recipe and writes both or nothing. `extension`: of a video whose bytes don't tell. */
  save (draft: RecipeDraft, media: { file: string, extension?: string | undefined }, options: SaveOptions): Promise<SavedRecipe>
}

export interface RecipeMakerDeps {
  shelf: Pick<RecipeShelf, 'add' | 'replace'>
  settings: Pick<SettingsManager, 'get'>
  images: Pick<SourceImages, 'pageFacts'>
  versions: RecipeVersions
  missing: Pick<MissingVersions, 'isConfirmed'>
}

type Entry = Readonly<Record<string, unknown>>

const MOST_TAGS = 100

export function createRecipeMaker ({ shelf, settings, images, versions, missing }: RecipeMakerDeps): RecipeMaker {
  /** What an analysis says at once is kept only when it was said before, a day apart. */
  function lastingMark<T extends Entry> (entry: T): T {
    const unsure = entry.isDeleted === true && !missing.isConfirmed({ versionId: integer(entry.modelVersionId ?? entry.id), hash: typeof entry.hash === 'string' ? entry.hash : '' })
    return unsure ? { ...entry, isDeleted: false } : entry
  }

  return {
    async compose ({ image, page }, wishes, options = {}) {
      const facts = page ?? await images.pageFacts(wishes.source_path, options)
      const found = image && { ...image, checkpoint: checkpointOf(image) }
      const enriched = await enrichRecipe(versions.lookups(options), {
        gen_params: found?.gen_params ?? {},
        checkpoint: wishes.checkpoint ?? (found?.checkpoint ? { ...found.checkpoint } : null),
        base_model: wishes.base_model || found?.base_model || '',
        image: facts,
        request: wishes.gen_params
      })
      return {
        ...enriched,
        title: wishes.title || found?.title || titleFromPrompt(enriched.gen_params.prompt) || wishes.fallbackTitle,
        tags: [...new Set([...wishes.tags ?? [], ...found?.tags ?? []])].slice(0, MOST_TAGS),
        loras: wishes.loras && wishes.loras.length > 0 ? [...wishes.loras] : storedLoras(found?.loras),
        source_path: wishes.source_path,
        preview_nsfw_level: facts?.level ?? 0
      }
    },
    async save (draft, { file, extension }, { route, replaces }) {
      const made = await createRecipePreview(file)
      const ending = made.data === null && made.extension === '.jpg' && (extension === '.mp4' || extension === '.webm') ? extension : made.extension
      const original = settings.get('keep_recipe_originals') === true ? made.source : undefined
      const recipe: NewRecipe = {
        document: documentOf({ ...draft, loras: draft.loras.map(lastingMark), checkpoint: draft.checkpoint && lastingMark(draft.checkpoint) }),
        image: made.data === null ? { file, extension: ending } : { data: made.data, extension: ending },
        ...(original !== undefined && { original: { file, extension: original } })
      }
      return replaces === undefined ? await shelf.add(recipe, { route }) : await shelf.replace(replaces, recipe, { route })
    }
  }
}

function documentOf ({ title, tags, base_model: baseModel, loras, checkpoint, gen_params: params, source_path: source, preview_nsfw_level: level, loras_stack: stack, kept }: RecipeDraft): NewRecipe['document'] {
  return {
    ...kept,
    title,
    base_model: baseModel,
    loras,
    gen_params: params,
    ...(checkpoint && Object.keys(checkpoint).length > 0 && { checkpoint: canonicalCheckpoint(checkpoint) }),
    ...(tags.length > 0 && { tags }),
    ...(source !== undefined && source !== '' && { source_path: source }),
    ...(level > 0 && { preview_nsfw_level: level }),
    ...(stack !== undefined && { loras_stack: stack })
  }
}
