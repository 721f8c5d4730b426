import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createSavedLanguage } from '../../../services/i18n/saved-language.ts'
import { acceptedLocale, locales, translator } from '../../../services/i18n/translator.ts'

const keysOf = (value: unknown, path = ''): string[] => typeof value === 'object' && value !== null ? Object.entries(value).flatMap(([key, child]) => [`${path}.${key}`, ...keysOf(child, `${path}.${key}`)]) : []
const placeholdersOf = (value: unknown): string[] => typeof value === 'string' ? value.match(/\{\w+\}/g)?.sort() ?? [] : typeof value === 'object' && value !== null ? Object.entries(value).map(([key, child]) => `${key}=${placeholdersOf(child).join()}`) : []

t.test('every language has the keys and placeholders of English and no empty text', async (t) => {
  const read = async (locale: string) => JSON.parse(await readFile(join(import.meta.dirname, '../../../web/locales', `${locale}.json`), 'utf8'))
  const english = await read('en')
  for (const locale of locales) {
    const texts = await read(locale)
    t.same(keysOf(texts), keysOf(english), locale)
    t.same(placeholdersOf(texts), placeholdersOf(english), locale)
    t.notMatch(JSON.stringify(texts), '":""', locale)
  }
})

t.test('texts come in the language asked for, side by side, with their values as they are', async (t) => {
  const shelf = await translator()
  t.equal(shelf, await translator(), 'set up once')
  const [german, french] = [shelf.in('de'), shelf.in('fr')]
  t.equal(german('common.search'), 'Suchen')
  t.equal(french('common.search'), 'Rechercher')
  t.equal(shelf.in('en')('common.count', { count: 3 }), '3 models')
  t.equal(german('common.pageTitle', { page: '<b>&' }), '<b>& – modelshelf')
  t.equal(german('no.such.key'), 'no.such.key')
  t.equal(shelf.files.size, locales.length)
})

t.test('the language of a browser is matched by weight, region and script', async (t) => {
  const cases: [string | undefined, string | undefined][] = [
    ['de-AT,de;q=0.9,en;q=0.8', 'de'], ['en;q=0.5, fr', 'fr'], ['zh', 'zh-CN'], ['zh-TW', 'zh-TW'], ['zh-Hant-HK', 'zh-TW'], ['zh-Hans', 'zh-CN'], ['iw', 'he'],
    ['sv,pt;q=0.4,ko;q=0.3', 'ko'], ['ja;q=0, ru', 'ru'], ['sv', undefined], ['*', undefined], ['', undefined], [undefined, undefined], ['de;q=nonsense', 'de'], [',;=,', undefined]
  ]
  for (const [header, expected] of cases) t.equal(acceptedLocale(header), expected, header ?? 'none')
})

t.test('a language counts as chosen when the settings file says so, also when that cannot be told', async (t) => {
  const file = join(t.testdir(), 'settings.json')
  const saved = createSavedLanguage(file)
  t.equal(await saved(), false, 'no file')
  await writeFile(file, '{"show_only_sfw":true}')
  t.equal(await saved(), false)
  await writeFile(file, '{"show_only_sfw":true,"language":"de"}')
  t.equal(await saved(), true)
  await writeFile(file, '{')
  t.equal(await saved(), true)
})
