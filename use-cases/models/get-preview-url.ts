import { previewUrl } from '../../services/models/preview-url.ts'
import type { IndexedModel } from '../../services/models/entry.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import { looseBoolean } from '../../services/query-values.ts'
import type { SettingsManager } from '../../services/settings/types.ts'
import type { RawQuery } from './parse-list-query.ts'
import { requiredText } from './required-text.ts'

export interface PreviewUrlAnswer { preview_url: string, license_flags?: number, use_new_license_icons?: boolean }

const NO_PREVIEW = '/loras_static/images/no-preview.png'

/** Looks for a model of that name that has a preview; without one the answer is a placeholder, not a failure. */
export const getPreviewUrl = ({ library, settings }: { library: ModelLibrary, settings: Pick<SettingsManager, 'get'> }) => (query: RawQuery): PreviewUrlAnswer => {
  const model = library.index.lookupAll(requiredText(query.name, `${library.type.label} file name is required`)).find((candidate) => candidate.preview_url !== '')
  const answer = { preview_url: model ? previewUrl(model.preview_url) : NO_PREVIEW }
  return looseBoolean(query.license_flags) ? { ...answer, ...licenseOf(model, settings) } : answer
}

function licenseOf (model: IndexedModel | undefined, settings: Pick<SettingsManager, 'get'>): Omit<PreviewUrlAnswer, 'preview_url'> {
  return {
    ...model?.civitai?.model ? { license_flags: model.license_flags } : {},
    use_new_license_icons: settings.get('use_new_license_icons') !== false
  }
}
