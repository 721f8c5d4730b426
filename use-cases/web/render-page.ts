import { ServiceNotReadyError } from '../../services/errors.ts'
import { acceptedLocale, isLocale, type Locale, type Translator } from '../../services/i18n/translator.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import type { ModelPrefix } from '../../services/models/types.ts'
import type { SettingsManager } from '../../services/settings/types.ts'
import { pageShell } from './page-shell.ts'

interface Deps {
  models: Record<ModelPrefix, Pick<ModelLibrary, 'type' | 'opened' | 'initializing' | 'roots'>>
  settings: Pick<SettingsManager, 'get' | 'file' | 'refresh'>
  /** Whether the user ever chose a language. */
  languageSaved: () => Promise<boolean>
  translator: () => Promise<Translator>
  version: string
}

/** The page of one model type in the user's language. @throws ServiceNotReadyError */
export const renderPage = ({ models, settings, languageSaved, translator, version }: Deps) => async (input: { page: ModelPrefix, acceptLanguage: string | undefined }): Promise<string> => {
  const library = models[input.page]
  if (!library.opened) throw new ServiceNotReadyError()
  const locale = await localeFor(input.acceptLanguage)
  const t = (await translator()).in(locale)
  return pageShell({ page: input.page, locale, t, version, initializing: library.initializing, folderHint: await folderHint() })

  async function folderHint (): Promise<{ file: string, key: string } | null> {
    if (library.roots().length > 0) return null
    // Whoever has just put folders into the file, as the page says, sees them at the next look.
    await settings.refresh()
    return library.roots().length > 0 ? null : { file: settings.file, key: library.type.folders.map(({ key }) => key).join(', ') }
  }

  async function localeFor (acceptLanguage: string | undefined): Promise<Locale> {
    const accepted = await languageSaved() ? undefined : acceptedLocale(acceptLanguage)
    if (accepted) return accepted
    const chosen = settings.get('language')
    return chosen === 'zh' ? 'zh-CN' : isLocale(chosen) ? chosen : 'en'
  }
}
