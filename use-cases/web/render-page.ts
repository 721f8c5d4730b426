import { ServiceNotReadyError } from '../../services/errors.ts'
import { acceptedLocale, isLocale, type Locale, type Translator } from '../../services/i18n/translator.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import type { ModelPrefix } from '../../services/models/types.ts'
import type { SettingsManager } from '../../services/settings/types.ts'
import { pageShell } from './page-shell.ts'

interface Deps {
  models: Record<ModelPrefix, Pick<ModelLibrary, 'type' | 'opened' | 'initializing' | 'roots'>>
  settings: Pick<SettingsManager, 'get' | 'file' | 'refresh' | 'activeLibrary'>
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
    // Whoever has just put folders into the file, as the page says, is not told again, though they are not looked through yet.
    await settings.refresh()
    const { folder_paths: paths, extra_folder_paths: further } = settings.activeLibrary().library
    const keys = library.type.folders.map(({ key }) => key)
    const configured = keys.some((key) => [paths, further].some((lists) => (lists?.[key]?.length ?? 0) > 0))
    return configured ? null : { file: settings.file, key: keys.join(', ') }
  }

  async function localeFor (acceptLanguage: string | undefined): Promise<Locale> {
    const accepted = await languageSaved() ? undefined : acceptedLocale(acceptLanguage)
    if (accepted) return accepted
    const chosen = settings.get('language')
    return chosen === 'zh' ? 'zh-CN' : isLocale(chosen) ? chosen : 'en'
  }
}
