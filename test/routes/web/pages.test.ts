import { join } from 'node:path'
import t from 'tap'
import { modelApp } from '../../helpers/model-app.ts'

const page = async (app: Awaited<ReturnType<typeof modelApp>>['app'], url: string, language?: string) => await app.inject({ url, headers: language === undefined ? {} : { 'accept-language': language } })

t.test('each model page is a translated shell that names its page and version', async (t) => {
  const dir = t.testdir({ 'settings.json': '{"language":"de"}' })
  const { app } = await modelApp(t, { directory: dir, settings: { language: 'de' }, core: { version: '1.0"<x>' } })
  for (const name of ['loras', 'checkpoints', 'embeddings']) {
    const reply = await page(app, `/${name}`, 'fr')
    t.equal(reply.statusCode, 200)
    t.equal(reply.headers['content-type'], 'text/html; charset=utf-8')
    t.match(reply.payload, `<body data-page="${name}" data-app-version="1.0&quot;&lt;x&gt;">`)
    t.match(reply.payload, '<html lang="de" dir="ltr">', 'a saved language outranks the browser')
    t.match(reply.payload, 'placeholder="Suchen"')
    t.match(reply.payload, /list\.js\?v=1\.0%22%3Cx%3E/)
    t.notMatch(reply.payload, /<script(?! type="module" src=)/, 'no script in the page itself')
  }
})

t.test('before a language is chosen the browser decides; an unknown one is English', async (t) => {
  const { app } = await modelApp(t, { directory: t.testdir(), settings: { language: 'en' } })
  t.match((await page(app, '/loras', 'he-IL,he;q=0.9')).payload, '<html lang="he" dir="rtl">')
  t.match((await page(app, '/loras', 'sv')).payload, '<html lang="en"')
  t.match((await page(app, '/loras')).payload, '<html lang="en"')
  const chosen = await modelApp(t, { directory: t.testdir({ 'settings.json': '{"language":"klingon"}' }), settings: { language: 'klingon' } })
  t.match((await page(chosen.app, '/loras', 'fr')).payload, '<html lang="en"')
})

t.test('renders in several languages at once do not meet', async (t) => {
  const { app } = await modelApp(t, { directory: t.testdir() })
  const wanted = ['de', 'fr', 'ja', 'ru', 'en', 'he', 'ko', 'es'].flatMap((locale) => [locale, locale])
  const pages = await Promise.all(wanted.map(async (locale) => (await page(app, '/checkpoints', locale)).payload))
  t.same(pages.map((html) => /<html lang="([\w-]+)"/.exec(html)?.[1]), wanted)
})

t.test('only a type without a usable index shows the preparation', async (t) => {
  const { app } = await modelApp(t, { directory: t.testdir(), libraries: { loras: { library: { initializing: true } } } })
  const preparing = (await page(app, '/loras')).payload
  t.match(preparing, ' data-initializing>')
  t.match(preparing, 'initializing.js')
  t.notMatch(preparing, 'list.js')
  t.notMatch((await page(app, '/embeddings')).payload, 'data-initializing')
})

t.test('a page whose type has no folders says where to put them', async (t) => {
  const { app } = await modelApp(t, { directory: '/srv/<settings>', libraries: { loras: { roots: { loras: ['/models/loras'] } } } })
  t.notMatch((await page(app, '/loras', 'en')).payload, 'first-steps')
  const hint = /<p id="first-steps">([^<]*)<\/p>/.exec((await page(app, '/checkpoints', 'en')).payload)?.[1]
  t.match(hint, '--models DIR')
  t.match(hint, '/srv/&lt;settings&gt;/settings.json')
  t.match(hint, /folder_paths.*checkpoints.*unet/)
  t.match((await page(app, '/embeddings', 'de')).payload, 'noch keine Ordner eingerichtet')
})

t.test('the root leads to the LoRAs', async (t) => {
  const { app } = await modelApp(t)
  t.match(await app.inject('/'), { statusCode: 302, headers: { location: '/loras' } })
})

t.test('files of the pages and texts are served from memory with validators; nothing else is', async (t) => {
  const { app } = await modelApp(t)
  const types = { '/loras_static/list.js': 'text/javascript; charset=utf-8', '/loras_static/shelf.css': 'text/css; charset=utf-8', '/loras_static/images/no-preview.png': 'image/png', '/locales/en.json': 'application/json; charset=utf-8', '/locales/zh.json': 'application/json; charset=utf-8' }
  for (const [url, type] of Object.entries(types)) {
    const reply = await app.inject(url)
    t.equal(reply.statusCode, 200, url)
    t.match(reply.headers, { 'content-type': type, 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' }, url)
    t.equal((await app.inject({ url, headers: { 'if-none-match': String(reply.headers.etag) } })).statusCode, 304, url)
  }
  t.equal((await app.inject('/locales/en.json')).json().common.search, 'Search')
  for (const url of ['/loras_static/nope.js', '/loras_static/', '/loras_static/..%2f..%2fpackage.json', `/loras_static/${encodeURIComponent(join(import.meta.dirname, 'pages.test.ts'))}`, '/locales/xx.json', '/locales/..%2fen.json', '/loras_static/constructor']) {
    const reply = await app.inject(url)
    t.equal(reply.statusCode, 404, url)
    t.match(reply.headers['content-type'], /^text\/plain/, url)
  }
})
