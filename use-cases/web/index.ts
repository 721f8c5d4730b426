import type { Core } from '../../services/core.ts'
import { createSavedLanguage } from '../../services/i18n/saved-language.ts'
import { translator } from '../../services/i18n/translator.ts'
import { getLocaleFile, getStaticFile } from './get-static-file.ts'
import { renderPage } from './render-page.ts'

export function createWebUseCases ({ models, recipes, settings, version }: Core) {
  const deps = { models, recipes, settings, version, translator, languageSaved: createSavedLanguage(settings.file) }
  return {
    renderPage: renderPage(deps),
    getStaticFile: getStaticFile(),
    getLocaleFile: getLocaleFile(deps)
  }
}

export type WebUseCases = ReturnType<typeof createWebUseCases>
