import t, { type Test } from 'tap'
import { existsSync, readFileSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ErrorKind } from '../../../services/errors.ts'
import { createSettingsManager } from '../../../services/settings/manager.ts'
import type { SettingsManagerDeps } from '../../../services/settings/manager.ts'
import type { SettingsChange } from '../../../services/settings/types.ts'

const ofKind = (kind: ErrorKind) => ({ name: 'DomainError', kind })

const logger = { error () {}, warn () {}, info () {}, debug () {} }
const clock = { now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 678) }

const open = (directory: string, more: Partial<SettingsManagerDeps> = {}) => createSettingsManager({ directory, logger, clock, ...more })
const onDisk = (directory: string) => JSON.parse(readFileSync(join(directory, 'settings.json'), 'utf8'))
const withFile = (t: Pick<Test, 'testdir'>, content: unknown, more: Record<string, object> = {}) =>
  t.testdir({ 'settings.json': typeof content === 'string' ? content : JSON.stringify(content), ...more })

t.test('without a file there are defaults, and nothing is written before the first save', async (t) => {
  const dir = join(t.testdir(), 'fresh')
  const settings = open(dir)
  t.equal(settings.get('language'), 'en')
  t.equal(settings.get('write_sidecars'), 'always')
  t.equal(settings.get('update_channel'), undefined)
  t.equal(settings.activeLibrary().name, 'default')
  await settings.refresh()
  t.same(settings.messages().map(({ code }) => code), ['missing-model-paths'])
  t.notOk(existsSync(dir))

  t.same(await settings.update({ language: 'de' }), { saved: true, changed: ['language'] })
  t.equal(onDisk(dir).language, 'de')
  t.equal(statSync(join(dir, 'settings.json')).mode & 0o777, 0o600)
  t.same(readdirSync(dir).sort(), ['settings.json', 'settings.json.bak'])
  t.equal(open(dir).get('language'), 'de')
})

t.test('a start rewrites nothing', async (t) => {
  const text = '{"language":"de", "folder_paths":{"loras":["/nas/loras"]},"optimizeExampleImages":false,"civitai_api_key":"k"}'
  const dir = withFile(t, text)
  const settings = open(dir)
  await settings.refresh()
  await settings.close()
  t.equal(readFileSync(join(dir, 'settings.json'), 'utf8'), text)
})

t.test('saving writes what differs from the defaults and keeps order and unknown keys', async (t) => {
  const dir = withFile(t, { zeta: { b: 1, a: [null] }, language: 'de', compact_mode: false, show_only_sfw: true, folder_paths: {}, libraries: { x: { folder_paths: { loras: ['/l'] }, mine: 7 } } })
  const settings = open(dir)
  await settings.update({ language: 'en', other_key: { deep: ['x'] }, card_info_display: 'hover' })
  const saved = onDisk(dir)
  t.same(Object.keys(saved), ['zeta', 'show_only_sfw', 'folder_paths', 'libraries', 'other_key', 'card_info_display', 'civitai_api_key', 'default_lora_root', 'active_library'])
  t.same(saved.zeta, { b: 1, a: [null] })
  t.same(saved.folder_paths, { loras: ['/l'] }, 'the top level mirrors the active library')
  t.equal(saved.libraries.x.mine, 7)
  t.equal(saved.active_library, 'x')
  t.same(settings.get('other_key'), { deep: ['x'] })
  await settings.update({ other_key: null })
  t.notOk('other_key' in onDisk(dir))
})

t.test('older names are read, newer ones win', async (t) => {
  const settings = open(withFile(t, {
    blurMatureContent: false,
    matureBlurLevel: 'x',
    displayDensity: 'compact',
    display_density: 'medium',
    update_flag_strategy: 'any',
    download_path_template: '{base_model}',
    civitai_api_key: 'your_civitai_api_key_here'
  }))
  t.equal(settings.get('blur_mature_content'), false)
  t.equal(settings.get('mature_blur_level'), 'X')
  t.equal(settings.get('display_density'), 'medium')
  t.equal(settings.get('version_grouping'), 'any')
  t.same({ ...settings.get<object>('download_path_templates') }, { lora: '{base_model}', checkpoint: '{base_model}', embedding: '{base_model}' })
  t.equal(settings.get('civitai_api_key'), '', 'the placeholder is no key')
  t.notOk('blurMatureContent' in settings.exposed())
})

t.test('a broken file is never overwritten: the copy is used, the first save keeps it under another name', async (t) => {
  const dir = withFile(t, { language: 'fr', civitai_api_key: 'precious' })
  await open(dir).update({ compact_mode: true })
  for (const broken of ['{"language": "fr", "civ', '', '[]', '\0\0\0', 'null']) {
    writeFileSync(join(dir, 'settings.json'), broken)
    const settings = open(dir)
    t.equal(settings.get('language'), 'fr')
    t.equal(settings.get('civitai_api_key'), 'precious')
    await settings.refresh()
    t.match(settings.messages(), [{ code: 'settings-json-invalid', severity: 'error', settings_file: join(dir, 'settings.json') }, { code: 'missing-model-paths' }])
    t.equal(readFileSync(join(dir, 'settings.json'), 'utf8'), broken)
  }
  const settings = open(dir)
  await settings.update({ language: 'de' })
  t.equal(readFileSync(join(dir, 'settings.json.invalid-20260102T030405Z'), 'utf8'), 'null')
  t.match(onDisk(dir), { language: 'de', civitai_api_key: 'precious', compact_mode: true })
  t.same(settings.messages().map(({ code }) => code), [])

  writeFileSync(join(dir, 'settings.json'), '{')
  await open(dir).update({ language: 'it' })
  t.equal(readFileSync(join(dir, 'settings.json.invalid-20260102T030405Z-1'), 'utf8'), '{', 'an earlier one is not replaced')
})

t.test('a broken file without a copy means defaults', async (t) => {
  const dir = withFile(t, 'not json')
  const settings = open(dir)
  t.equal(settings.get('language'), 'en')
  t.match(settings.messages(), [{ message: /Default settings are used/ }])
  t.same(readdirSync(dir), ['settings.json'])
})

t.test('the copy follows what another program saved, so that its crash loses nothing', async (t) => {
  const dir = withFile(t, { civitai_api_key: 'one' })
  open(dir)
  writeFileSync(join(dir, 'settings.json'), '{"civitai')
  t.equal(open(dir).get('civitai_api_key'), 'one')
})

t.test('a file that breaks while we run leaves the settings in force', async (t) => {
  const dir = withFile(t, { language: 'fr' })
  const settings = open(dir)
  writeFileSync(join(dir, 'settings.json'), '{"lang')
  await settings.refresh()
  t.equal(settings.get('language'), 'fr')
  t.match(settings.messages(), [{ code: 'settings-json-invalid' }])
  writeFileSync(join(dir, 'settings.json'), '{"language":"it"}')
  await settings.refresh()
  t.equal(settings.get('language'), 'it')
  t.notMatch(settings.messages(), [{ code: 'settings-json-invalid' }])
})

t.test('edits from outside are seen by refresh and survive a save of ours', async (t) => {
  const dir = withFile(t, { language: 'fr' })
  const settings = open(dir)
  const heard: SettingsChange[] = []
  settings.onChange((change) => { heard.push(change) })
  writeFileSync(join(dir, 'settings.json'), '{"language":"it","added_elsewhere":1}')
  await settings.update({ compact_mode: true })
  t.same(heard.map(({ keys }) => [...keys].sort()), [['added_elsewhere', 'language'], ['compact_mode']])
  t.match(onDisk(dir), { language: 'it', added_elsewhere: 1, compact_mode: true })
})

t.test('the environment lies over the file for this run and is never saved', async (t) => {
  const dir = withFile(t, { civitai_api_key: 'from file' })
  const settings = open(dir, { overlay: { civitai_api_key: 'CANARY', llm_model: 'm', llm_api_key: '' } })
  t.equal(settings.get('civitai_api_key'), 'CANARY')
  t.equal(settings.get('llm_model'), 'm')
  t.match(settings.exposed(), { civitai_api_key_set: true, llm_api_key_set: false })
  await settings.update({ language: 'de', llm_model: 'm' })
  t.equal(onDisk(dir).civitai_api_key, 'from file')
  t.notMatch(readFileSync(join(dir, 'settings.json'), 'utf8'), /CANARY|llm_model/)
  t.notMatch(readFileSync(join(dir, 'settings.json.bak'), 'utf8'), /CANARY/)
})

t.test('either all keys of a save are taken or none', async (t) => {
  const dir = withFile(t, { language: 'fr' })
  const settings = open(dir)
  const before = readFileSync(join(dir, 'settings.json'), 'utf8')
  let heard = 0
  settings.onChange(() => { heard++ })
  const refused: [Record<string, unknown>, RegExp | string][] = [
    [{ download_path_templates: { lora: '{base_model}/{bogus}' } }, /must not hold \{bogus\}/],
    [{ update_channel: 'x' }, "update_channel must be 'release' or 'nightly'"],
    [{ compact_mode: 'maybe' }, /true or false/],
    [{ compact_mode: 1 }, /true or false/],
    [{ language: { $ne: 1 } }, /must be text/],
    [{ language: 'x'.repeat(5000) }, /longer/],
    [{ llm_api_base: 'http://x\r\nHost: y' }, /control/],
    [{ backup_retention_count: 'many' }, /number/],
    [{ backup_retention_count: 1e300 }, /greater/],
    [{ folder_paths: ['/x'] }, /folder lists/],
    [{ folder_paths: { loras: ['relative/x'] } }, /absolute/],
    [{ folder_paths: { loras: ['/'] } }, /absolute path below the root/],
    [{ folder_paths: { loras: ['/x\0'] } }, /not a folder/],
    [{ extra_folder_paths: { loras: [{}] } }, /not a folder/],
    [{ base_model_path_mappings: { a: 1 } }, /texts/],
    [{ filter_presets: [] }, /object/],
    [{ aria2c_path: '/bin/sh' }, /can't be changed here/],
    [{ provider_base_urls: { civitai: 'http://evil' } }, /can't be changed here/],
    [{ allowed_hosts: ['evil'] }, /can't be changed here/],
    [{ use_portable_settings: true }, /--settings/],
    [{ libraries: {} }, /library routes/],
    [{ active_library: 'other' }, /library routes/],
    [{ comfyui_url: 'file:///etc/passwd' }, /http/],
    [{ comfyui_url: 'http://user:pw@host' }, /user name/],
    [{ allowed_origins: ['*'] }, /origins/],
    [{ allowed_origins: ['null'] }, /origins/],
    [{ default_lora_root: '/elsewhere', folder_paths: { loras: ['/l'] } }, /default_lora_root must be one/],
    [{ anything: 'x'.repeat(1024 * 1024 + 1) }, /1 MiB/],
    [{ anything: JSON.parse('['.repeat(5000) + ']'.repeat(5000)) }, /nested/],
    [{ ['k'.repeat(300)]: 1 }, /name of a setting/],
    [Object.fromEntries(Array.from({ length: 1500 }, (_, n) => [`k${n}`, n])), /too many/]
  ]
  for (const [patch, reason] of refused) {
    const outcome = await settings.update({ compact_mode: true, ...patch })
    t.match(outcome, { saved: false, reason }, `${Object.keys(patch)[0]?.slice(0, 40)}: ${reason}`)
  }
  t.equal(settings.get('compact_mode'), false)
  t.equal(heard, 0)
  t.equal(readFileSync(join(dir, 'settings.json'), 'utf8'), before)
})

t.test('values are brought into their form', async (t) => {
  const dir = t.testdir()
  const settings = open(dir)
  const outcome = await settings.update({
    civitai_host: 'example.com',
    download_backend: ' ARIA2 ',
    mature_blur_level: ' xxx ',
    proxy_port: 8080,
    backup_retention_count: '0',
    download_stall_timeout_seconds: 1,
    auto_organize_exclusions: 'a, b;c\nb\n',
    metadata_refresh_skip_paths: ['\\x\\y\\', '/z/'],
    skip_previously_downloaded_model_versions: 'Yes',
    priority_tags: { lora: ' style ' },
    download_path_templates: '{"lora":"{author}"}',
    download_skip_base_models: ['SDXL 1.0', 'A new one'],
    comfyui_url: 'http://127.0.0.1:8188/',
    allowed_origins: ['HTTP://Nas:8080/']
  })
  t.match(outcome, { saved: true })
  t.match(settings.exposed(), {
    civitai_host: 'civitai.com',
    download_backend: 'aria2',
    mature_blur_level: 'XXX',
    proxy_port: '8080',
    backup_retention_count: 1,
    auto_organize_exclusions: ['a', 'b', 'c'],
    metadata_refresh_skip_paths: ['x/y', 'z'],
    skip_previously_downloaded_model_versions: true,
    priority_tags: { lora: 'style', checkpoint: /^character/ },
    download_path_templates: { lora: '{author}' },
    download_skip_base_models: ['SDXL 1.0', 'A new one'],
    comfyui_url: 'http://127.0.0.1:8188',
    allowed_origins: ['http://nas:8080']
  })
  t.equal(settings.get('download_stall_timeout_seconds'), 30)
  t.same(open(dir).exposed(), settings.exposed(), 'the file says the same')
})

t.test('values of a wrong type in the file count as the default and stay in the file', async (t) => {
  const dir = withFile(t, { compact_mode: 'perhaps', language: ['x'], folder_paths: 7, libraries: [1], active_library: {}, priority_tags: 3, dismissed_banners: { a: 1 } })
  const settings = open(dir)
  t.match(settings.exposed(), { compact_mode: false, language: 'en', dismissed_banners: [] })
  t.equal(settings.activeLibrary().name, 'default')
  await settings.update({ card_info_display: 'hover' })
  t.equal(onDisk(dir).compact_mode, 'perhaps')
})

t.test('keys that reach into prototypes are data or refused', async (t) => {
  const dir = withFile(t, '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"libraries":{"__proto__":{"folder_paths":{"loras":["/p"]}},"real":{"__proto__":{"polluted":1},"folder_paths":{"__proto__":["/x"],"loras":["/l"]}}}}')
  const settings = open(dir)
  for (const key of ['__proto__', 'constructor', 'prototype']) {
    await t.rejects(settings.update(JSON.parse(`{"language":"de","${key}":{"polluted":1}}`)), ofKind('invalid'))
    await t.rejects(settings.saveLibrary(key, {}), ofKind('invalid'))
  }
  await settings.update({ kept: JSON.parse('{"__proto__":{"polluted":1}}'), base_model_path_mappings: JSON.parse('{"__proto__":"polluted","constructor":"c"}') })
  t.same(Object.keys(settings.libraries()), ['real'])
  t.equal(settings.get<Record<string, string>>('base_model_path_mappings').toString, undefined, 'a look-up finds entries only')
  t.notOk('polluted' in {})
  t.notOk('polluted' in settings.exposed())
  t.equal(settings.activeLibrary().library['polluted'], undefined)
  t.equal(settings.get('language'), 'en')
})

t.test('no secret is ever told, and a mask that comes back means unchanged', async (t) => {
  const dir = withFile(t, { civitai_api_key: 'CANARY-1', llm_api_key: 'CANARY-2', proxy_password: 'CANARY-3', proxy_username: 'me', hf_token: 'CANARY-4', provider_base_urls: { civitai: 'CANARY-5' } })
  const settings = open(dir)
  t.notMatch(JSON.stringify([settings.exposed(), settings.messages(), settings.libraries()]), /CANARY/)
  t.match(settings.exposed(), { civitai_api_key_set: true, llm_api_key_set: true, hf_token_set: true, proxy_password: '********', proxy_username: 'me' })
  t.match(await settings.update({ ...settings.exposed(), civitai_api_key: '********' }), { saved: true, changed: [] }, 'a whole answer posted back changes nothing')
  t.equal(settings.get('proxy_password'), 'CANARY-3')
  t.equal(settings.get('civitai_api_key'), 'CANARY-1')
  await settings.update({ proxy_password: '__DELETE__', proxy_username: '__DELETE__', llm_api_key: '' })
  t.match(settings.exposed(), { proxy_password: '', proxy_username: '', llm_api_key_set: false })
  t.notMatch(readFileSync(join(dir, 'settings.json'), 'utf8'), /CANARY-[23]/)
})

t.test('values that are handed out can\'t be changed in passing', async (t) => {
  const settings = open(withFile(t, { libraries: { a: { folder_paths: { loras: ['/l'] } } } }))
  t.throws(() => settings.get<string[]>('dismissed_banners').push('x'), TypeError)
  t.throws(() => settings.activeLibrary().library.folder_paths.loras?.push('x'), TypeError)
})

t.test('saves at the same time all arrive', async (t) => {
  const dir = t.testdir()
  const settings = open(dir)
  const outcomes = await Promise.all(Array.from({ length: 40 }, (_, n) => settings.update({ [`key_${n}`]: n })))
  t.ok(outcomes.every(({ saved }) => saved))
  for (let n = 0; n < 40; n++) t.equal(onDisk(dir)[`key_${n}`], n)
  t.same(readdirSync(dir).sort(), ['settings.json', 'settings.json.bak'])
})

t.test('listeners run in turn before a save resolves; a failing one harms nobody, one that saves does not wait for itself', async (t) => {
  const settings = open(t.testdir() as string)
  const heard: string[] = []
  settings.onChange(async () => { throw new Error('deaf') })
  const stop = settings.onChange(async ({ keys }) => {
    await new Promise(setImmediate)
    heard.push([...keys].join())
    if (keys.has('language')) await settings.update({ compact_mode: true })
  })
  await settings.update({ language: 'de' })
  t.equal(heard[0], 'language')
  await settings.close()
  t.same(heard, ['language', 'compact_mode'])
  stop()
  await settings.update({ language: 'fr' })
  t.equal(heard.length, 2)
})

t.test('what a killed save left behind is removed at the next start, the file of somebody else is not', async (t) => {
  const stray = '.settings.json.0123456789abcdef.modelshelf-tmp'
  const young = '.settings.json.0123456789abcdee.modelshelf-tmp'
  const dir = withFile(t, {})
  for (const name of [stray, young, '.settings.json.swp']) writeFileSync(join(dir, name), '{"half')
  for (const name of [stray, '.settings.json.swp']) utimesSync(join(dir, name), 1e9, 1e9)
  open(dir)
  t.same(readdirSync(dir).sort(), [young, '.settings.json.swp', 'settings.json', 'settings.json.bak'])
})

t.test('a save that the disk refuses changes nothing and says why', async (t) => {
  const dir = t.testdir({ file: 'in the way' })
  const settings = open(join(dir, 'file', 'settings'))
  await t.rejects(settings.update({ language: 'de' }))
  t.equal(settings.get('language'), 'en')
})
