import { ServiceNotReadyError } from '../../services/errors.ts'
import { acceptedLocale, isLocale, type Locale, type Translator } from '../../services/i18n/translator.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import type { ModelPrefix } from '../../services/models/types.ts'
import type { RecipeShelf } from '../../services/recipes/ports.ts'
import type { SettingsManager } from '../../services/settings/types.ts'
import { pageShell, type PageName, type ShellInput } from './page-shell.ts'

interface Deps {
  models: Record<ModelPrefix, Pick<ModelLibrary, 'type' | 'opened' | 'initializing' | 'roots'>>
  recipes: Pick<RecipeShelf, 'initializing' | 'root'>
  settings: Pick<SettingsManager, 'get' | 'file' | 'refresh' | 'activeLibrary'>
  /** Whether the user ever chose a language. */
  languageSaved: () => Promise<boolean>
  translator: () => Promise<Translator>
  version: string
}

/** The page of one model type, or of the recipes, in the user's language. @throws ServiceNotReadyError */
export const renderPage = ({ models, recipes, settings, languageSaved, translator, version }: Deps) => async (input: { page: PageName, acceptLanguage: string | undefined }): Promise<string> => {
  const { initializing, folderHint } = input.page === 'recipes' ? recipePage() : await modelPage(models[input.page])
  const locale = await localeFor(input.acceptLanguage)
  const t = (await translator()).in(locale)
  return pageShell({ page: input.page, locale, t, version, initializing, folderHint })

  function recipePage (): Pick<ShellInput, 'initializing' | 'folderHint'> {
    const missing = !recipes.initializing && recipes.root() === null
    return { initializing: recipes.initializing, folderHint: missing ? { file: settings.file, key: 'loras' } : null }
  }

  async function modelPage (library: Deps['models'][ModelPrefix]): Promise<Pick<ShellInput, 'initializing' | 'folderHint'>> {
    if (!library.opened) throw new ServiceNotReadyError()
    const folderHint = library.roots().length > 0 ? null : await hintFor(library)
    return { initializing: library.initializing, folderHint }
  }

  async function hintFor (library: Deps['models'][ModelPrefix]): Promise<ShellInput['folderHint']> {
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
