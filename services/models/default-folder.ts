import { parsePriorityTags, resolvePriorityTag } from '../settings/priority-tags.ts'
import type { PriorityTag } from '../settings/priority-tags.ts'
import type { SettingsManager } from '../settings/types.ts'
import type { ModelEntry } from './entry.ts'
import { DEFAULT_PATH_TEMPLATE, fillPathTemplate } from './path-template.ts'
import type { ModelTypeName } from './types.ts'

/** Where models belong by the user's templates; read once from the settings for one operation. */
export interface DefaultFolders {
  /** The template for a model of this sub-type; "" is flat. */
  template (subType: string | undefined): string
  /** Folder below a root, `/`-separated, "" for the root itself. */
  folder (model: Pick<ModelEntry, 'base_model' | 'tags' | 'model_name' | 'civitai' | 'sub_type'>): string
}

const NO_TAGS = 'no tags'
const NO_AUTHOR = 'Anonymous'

export function createDefaultFolders (settings: Pick<SettingsManager, 'get'>, type: ModelTypeName): DefaultFolders {
  const templates = settings.get<Record<string, string>>('download_path_templates')
  const mappings = settings.get<Record<string, string>>('base_model_path_mappings')
  const priority: PriorityTag[] = parsePriorityTags(settings.get<Record<string, string>>('priority_tags')[type] ?? '')

  function template (subType: string | undefined): string {
    const unet = type === 'checkpoint' && subType === 'diffusion_model' ? templates.unet : undefined
    return unet ?? templates[type] ?? DEFAULT_PATH_TEMPLATE
  }

  return {
    template,
    folder (model) {
      const tags = model.tags.map((tag) => tag.trim().toLowerCase()).filter((tag) => tag !== '')
      return fillPathTemplate(template(model.sub_type), {
        baseModel: model.base_model,
        firstTag: resolvePriorityTag(priority, tags) || NO_TAGS,
        author: (model.civitai?.id === undefined ? undefined : model.civitai.creator?.username) || NO_AUTHOR,
        modelName: model.model_name,
        versionName: model.civitai?.name ?? ''
      }, type, mappings)
    }
  }
}
