import t, { type Test } from 'tap'
import Fastify, { type FastifyInstance, type InjectOptions } from 'fastify'
import { Value } from '@sinclair/typebox/value'
import type { TSchema } from '@sinclair/typebox'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import errorHandler from '../../../plugins/error-handler.ts'
import validation from '../../../plugins/validation.ts'
import settingsRoutes from '../../../routes/settings/index.ts'
import * as schemas from '../../../routes/settings/schemas.ts'
import type { Core } from '../../../services/core.ts'
import { createSettingsManager } from '../../../services/settings/manager.ts'

interface Published { type: string, data: unknown }

async function build (t: Pick<Test, 'testdir' | 'teardown'>, content: object = {}, more: Record<string, object> = {}) {
  const directory = t.testdir({ 'settings.json': JSON.stringify(content), ...more })
  const settings = createSettingsManager({ directory, logger: { error () {}, warn () {}, info () {}, debug () {} }, overlay: { llm_api_key: 'CANARY-ENV' } })
  const published: Published[] = []
  const hub = { publish: (type: string, data: unknown) => { published.push({ type, data }) } }
  const app = Fastify()
  app.decorate('core', { settings, hub } as unknown as Core)
  await app.register(errorHandler)
  await app.register(validation)
  await app.register(settingsRoutes)
  t.teardown(async () => { await app.close() })
  return { app, directory, published, settings, call: caller(app) }
}

const documented: Record<string, { response: Record<number, TSchema> }> = {
  'GET /api/lm/settings': schemas.readSchema,
  'POST /api/lm/settings': schemas.saveSchema,
  'GET /api/lm/priority-tags': schemas.priorityTagsSchema,
  'GET /api/lm/settings/libraries': schemas.listLibrariesSchema,
  'POST /api/lm/settings/libraries': schemas.saveLibrarySchema,
  'POST /api/lm/settings/libraries/activate': schemas.activateLibrarySchema,
  'POST /api/lm/settings/libraries/rename': schemas.renameLibrarySchema,
  'POST /api/lm/settings/libraries/delete': schemas.deleteLibrarySchema
}

/** Sends a request and holds the answer against the documentation of its route. */
function caller (app: FastifyInstance) {
  return async (route: keyof typeof documented, payload?: unknown): Promise<{ status: number, json: Record<string, never> }> => {
    const [method, url] = route.split(' ') as [InjectOptions['method'], string]
    const answer = await app.inject({
      method, url, ...(payload === undefined ? {} : { payload: typeof payload === 'string' ? payload : JSON.stringify(payload), headers: { 'content-type': 'application/json' } })
    } as InjectOptions)
    const json = answer.json()
    const schema = documented[route]?.response[answer.statusCode]
    if (!schema) throw new Error(`${route} answers ${answer.statusCode}, which is not documented`)
    const failure = answer.statusCode === 200 ? undefined : json
    if (failure ? failure.success !== false || typeof failure.error !== 'string' || typeof failure.code !== 'string' : !Value.Check(schema, json)) {
      throw new Error(`${route} answers other than documented: ${answer.body.slice(0, 500)}`)
    }
    return { status: answer.statusCode, json }
  }
}

t.test('settings are answered with flags instead of secrets, and with messages', async (t) => {
  const { call, directory } = await build(t, { civitai_api_key: 'CANARY-KEY', proxy_password: 'CANARY-PW', folder_paths: { loras: ['/nowhere'] }, mine: { a: 1 } })
  const { status, json } = await call('GET /api/lm/settings')
  t.equal(status, 200)
  t.match(json, {
    success: true,
    settings: {
      language: 'en',
      civitai_api_key_set: true,
      llm_api_key_set: true,
      proxy_password: '********',
      mine: { a: 1 },
      default_lora_root: '/nowhere',
      priority_tags: { lora: /^character, concept/ },
      extra_folder_paths: {},
      settings_file: join(directory, 'settings.json'),
      backup_retention_count: 5
    },
    messages: [{ code: 'missing-model-paths', severity: 'warning' }]
  })
  t.notMatch(JSON.stringify(json), /CANARY/)
  for (const hidden of ['civitai_api_key', 'llm_api_key', 'folder_paths', 'libraries', 'active_library', 'hash_chunk_size_mb', 'update_channel', 'provider_base_urls']) {
    t.notOk(hidden in (json['settings'] ?? {}), hidden)
  }
})

t.test('saving answers success, or 200 with the reason and nothing saved', async (t) => {
  const { call, published, directory } = await build(t)
  t.same((await call('POST /api/lm/settings', { blur_mature_content: false, rig_unknown_key: { a: 1 } })).json, { success: true })
  t.match((await call('GET /api/lm/settings')).json, { settings: { blur_mature_content: false, rig_unknown_key: { a: 1 } } })
  t.same(published, [{ type: 'settings.changed', data: { keys: ['blur_mature_content', 'rig_unknown_key'] } }])

  t.same(await call('POST /api/lm/settings', { example_images_path: '/nope/nope' }), { status: 200, json: { success: false, error: 'Path does not exist: /nope/nope', code: 'path-missing' } })
  t.match(await call('POST /api/lm/settings', { language: 'de', update_channel: 'x' }), { status: 200, json: { success: false, error: "update_channel must be 'release' or 'nightly'" } })
  t.match(await call('POST /api/lm/settings', { aria2c_path: '//evil/share/aria2c.exe' }), { status: 200, json: { success: false, code: 'setting-locked' } })
  t.equal(JSON.parse(readFileSync(join(directory, 'settings.json'), 'utf8')).language, undefined)
  t.same(await call('POST /api/lm/settings'), { status: 200, json: { success: true } }, 'an absent body is an empty object')
})

t.test('a body that is no object is 400, and so are keys that reach into prototypes', async (t) => {
  const { call } = await build(t)
  for (const body of ['{"a":', '[]', '"text"', '7', 'null', '{"__proto__":{"polluted":1}}', '{"constructor":{"prototype":{"polluted":1}}}', '{"prototype":1}']) {
    t.equal((await call('POST /api/lm/settings', body)).status, 400, body)
    t.equal((await call('POST /api/lm/settings/libraries/activate', body)).status, 400, body)
  }
  t.notOk('polluted' in {})
})

t.test('hostile values never end in a fault of ours, nor in an answer off the schema', async (t) => {
  const { call } = await build(t)
  const values: unknown[] = [null, 0, -1, 1e308, '', ' ', 'x'.repeat(100_000), '\0', '../..', true, [], [[]], [null], {}, { a: { b: [] } }, { toString: 1 }, ['<script>'], '__DELETE__', '********', 'Ünïcödé 漢字 😀']
  const { settings } = (await call('GET /api/lm/settings')).json as unknown as { settings: object }
  for (const key of [...Object.keys(settings), 'folder_paths', 'libraries', 'filter_presets', 'hide_paid_updates', 'card_blur_amount', 'toString', 'new_token']) {
    for (const value of values) {
      const { status } = await call('POST /api/lm/settings', { [key]: value })
      if (status !== 200) t.fail(`${key} ${JSON.stringify(value).slice(0, 40)} answers ${status}`)
    }
  }
  t.equal((await call('GET /api/lm/settings')).status, 200)
  t.equal((await call('GET /api/lm/settings/libraries')).status, 200)
  t.equal((await call('GET /api/lm/priority-tags')).status, 200)
})

t.test('priority tags are answered by model type', async (t) => {
  const { call } = await build(t, { priority_tags: { lora: 'style(art|drawing), character' } })
  const { json } = await call('GET /api/lm/priority-tags')
  t.match(json, { success: true, tags: { lora: ['style', 'character'], checkpoint: ['character', 'concept'], embedding: ['character'] } })
})

t.test('libraries are listed and activated', async (t) => {
  const libraries = { a: { folder_paths: { loras: ['/a'] } }, b: { folder_paths: { loras: ['/b'] }, extra: 1 } }
  const { call, published } = await build(t, { libraries, active_library: 'a' })
  t.match((await call('GET /api/lm/settings/libraries')).json, { success: true, active_library: 'a', libraries: { a: { default_lora_root: '/a' }, b: { extra: 1, recipes_path: '' } } })
  t.match(await call('POST /api/lm/settings/libraries/activate', { library: 'b' }), { status: 200, json: { success: true, active_library: 'b', libraries: { a: {}, b: {} } } })
  t.match(published.map(({ type, data }) => [type, data]).at(-1), ['library.activated', { library: 'b' }])
  t.match(await call('POST /api/lm/settings/libraries/activate', { library_name: 'a' }), { status: 200, json: { active_library: 'a' } })
  for (const body of [{}, { library: '' }, { library: '  ' }, { library: 7 }, { library: null }, { library: ['a'] }]) {
    t.match(await call('POST /api/lm/settings/libraries/activate', body), { status: 400, json: { error: 'Library name is required' } })
  }
  for (const name of ['c', 'toString', '__proto__', '../a']) {
    t.match(await call('POST /api/lm/settings/libraries/activate', { library: name }), { status: 404, json: { code: 'library-not-found' } })
  }
})

t.test('libraries are created, renamed and deleted', async (t) => {
  const { call } = await build(t, { folder_paths: { loras: ['/a'] } })
  t.match(await call('POST /api/lm/settings/libraries', { name: 'b', folder_paths: { loras: ['/b'] }, activate: true }), { status: 200, json: { created: true, active_library: 'b' } })
  t.match(await call('POST /api/lm/settings/libraries', { library: 'b', recipes_path: null }), { status: 200, json: { created: false } })
  t.match(await call('POST /api/lm/settings/libraries', { name: 'c', folder_paths: { loras: ['/a'] } }), { status: 400, json: { code: 'path-taken' } })
  t.match(await call('POST /api/lm/settings/libraries', { folder_paths: {} }), { status: 400, json: { code: 'library-name-required' } })
  t.match(await call('POST /api/lm/settings/libraries/rename', { library: 'b', new_name: 'default' }), { status: 409, json: { code: 'library-name-taken' } })
  t.match(await call('POST /api/lm/settings/libraries/rename', { library: 'b' }), { status: 400 })
  t.match(await call('POST /api/lm/settings/libraries/rename', { library: 'x', new_name: 'y' }), { status: 404 })
  t.match(await call('POST /api/lm/settings/libraries/rename', { library: 'b', new_name: 'B two' }), { status: 200, json: { active_library: 'B two' } })
  t.match(await call('POST /api/lm/settings/libraries/delete', { library: 'B two' }), { status: 200, json: { active_library: 'default' } })
  t.match(await call('POST /api/lm/settings/libraries/delete', { library: 'default' }), { status: 409, json: { code: 'library-last' } })
  t.match(await call('POST /api/lm/settings/libraries/delete', { library: 'gone' }), { status: 404 })
})

t.test('the use cases of the stack are not visible outside of it', async (t) => {
  const { app } = await build(t)
  t.notOk(app.hasDecorator('useCases'))
})
