import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInstance, type i18n as I18n } from 'i18next'

/** Languages of the interface; English is complete and stands in for missing texts. */
export const locales = ['en', 'zh-CN', 'zh-TW', 'ja', 'ko', 'fr', 'de', 'es', 'ru', 'he'] as const
export type Locale = (typeof locales)[number]

/** Text of a dotted key in one language; English, else the key itself. Values stand for `{name}`; nothing is escaped. */
export type Translate = (key: string, values?: Record<string, string | number>) => string

export interface Translator {
  /** Texts in a language; every render takes its own, so that renders in several languages don't meet. */
  in (locale: Locale): Translate
  /** The text files as they are served, by language. */
  readonly files: ReadonlyMap<Locale, Buffer>
}

const LOCALES_DIRECTORY = join(import.meta.dirname, import.meta.url.endsWith('.ts') ? '../..' : '../../..', 'web', 'locales')

export const isLocale = (value: unknown): value is Locale => (locales as readonly unknown[]).includes(value)

/** Best language for an `Accept-Language` header (RFC 9110 §12.5.4), undefined when it names none of ours. */
export function acceptedLocale (header: string | undefined): Locale | undefined {
  const wanted = (header ?? '').slice(0, 1000).split(',').map((part, position) => {
    const [tag = '', ...parameters] = part.trim().split(';')
    const quality = parameters.map((parameter) => /^\s*q=([\d.]+)\s*$/.exec(parameter)?.[1]).find((value) => value !== undefined)
    return { tag: tag.trim().toLowerCase(), quality: quality === undefined ? 1 : Number(quality), position }
  })
  const ordered = wanted.filter(({ quality }) => quality > 0).sort((a, b) => b.quality - a.quality || a.position - b.position)
  for (const { tag } of ordered) {
    const found = localeOfTag(tag)
    if (found) return found
  }
  return undefined
}

function localeOfTag (tag: string): Locale | undefined {
  const exact = locales.find((locale) => locale.toLowerCase() === tag)
  if (exact) return exact
  const [language, ...subtags] = tag.split('-')
  if (language === 'zh') return subtags.some((subtag) => ['tw', 'hk', 'mo', 'hant'].includes(subtag)) ? 'zh-TW' : 'zh-CN'
  if (language === 'iw') return 'he'
  return locales.find((locale) => locale === language)
}

/** Both spellings of a placeholder, `{name}` and `{{name}}`, mean the same. */
const withPlainPlaceholders = (text: string): string => text.replaceAll(/\{\{(\w+)\}\}/g, '{$1}')

async function load (directory: string): Promise<Translator> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.json'))
  const files = new Map<Locale, Buffer>()
  for (const name of names) {
    const locale = name.slice(0, -'.json'.length)
    if (isLocale(locale)) files.set(locale, await readFile(join(directory, name)))
  }
  const instance: I18n = createInstance()
  await instance.init({
    lng: 'en',
    fallbackLng: 'en',
    supportedLngs: [...locales],
    returnNull: false,
    interpolation: { escapeValue: false, prefix: '{', suffix: '}' },
    resources: Object.fromEntries([...files].map(([locale, text]) => [locale, { translation: JSON.parse(withPlainPlaceholders(text.toString('utf8'))) }]))
  })
  return {
    in (locale) {
      const translate = instance.getFixedT(locale)
      return (key, values = {}) => String(translate(key, values))
    },
    files
  }
}

let shared: Promise<Translator> | undefined

/** The translator of the process, set up at the first call. */
export function translator (): Promise<Translator> {
  shared ??= load(LOCALES_DIRECTORY)
  return shared
}
