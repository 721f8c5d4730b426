import t, { type Test } from 'tap'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { ConflictError, type ErrorKind } from '../../../services/errors.ts'
import { createSettingsManager } from '../../../services/settings/manager.ts'
import { modelsOverlay } from '../../../services/settings/models-overlay.ts'
import { parsePriorityTags, resolvePriorityTag } from '../../../services/settings/priority-tags.ts'
import { recipesDirectory, recipesPathFrom } from '../../../services/settings/recipes-directory.ts'
import type { ModelsOverlay, SettingsChange } from '../../../services/settings/types.ts'

const ofKind = (kind: ErrorKind) => ({ name: 'DomainError', kind })

const logger = { error () {}, warn () {}, info () {}, debug () {} }

function open (directory: string, more: { modelsOverlay?: ModelsOverlay } = {}) {
  const settings = createSettingsManager({ directory, logger, ...more })
  const heard: SettingsChange[] = []
  settings.onChange((change) => { heard.push(change) })
  return { settings, heard, saved: () => JSON.parse(readFileSync(join(directory, 'settings.json'), 'utf8')) }
}

const withFile = (t: Pick<Test, 'testdir'>, content: object, more: Record<string, object> = {}) => t.testdir({ 'settings.json': JSON.stringify(content), ...more })

t.test('without a registry the top-level folders become the library `default`', async (t) => {
  const { settings } = open(withFile(t, { folder_paths: { loras: [' /l ', '', '/l'], checkpoints: '/c' }, recipes_path: '/r' }))
  const { name, library } = settings.activeLibrary()
  t.equal(name, 'default')
  t.match(library, { folder_paths: { loras: ['/l'], checkpoints: ['/c'] }, default_lora_root: '/l', default_checkpoint_root: '/c', recipes_path: '/r' })
  t.match(library.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/)
})

t.test('a single library without folders takes the top-level ones, non-objects become empty libraries, an unknown active name the first', async (t) => {
  t.match(open(withFile(t, { folder_paths: { loras: ['/l'] }, libraries: { comfyui: { metadata: { source: 'comfyui' } } }, active_library: 'comfyui' })).settings.activeLibrary(),
    { name: 'comfyui', library: { folder_paths: { loras: ['/l'] }, metadata: { source: 'comfyui' } } })
  const { settings } = open(withFile(t, { libraries: { first: 7, second: {} }, active_library: 'gone' }))
  t.match(settings.activeLibrary(), { name: 'first', library: { recipes_path: '' } })
})

t.test('hand edits of the top-level folders are adopted, drift is not', async (t) => {
  const libraries = { a: { folder_paths: { loras: ['/a'] } }, b: { folder_paths: { loras: ['/b'] } } }
  const loras = (edited: object) => open(withFile(t, { libraries, active_library: 'a', folder_paths: edited })).settings.get<{ loras: string[] }>('folder_paths').loras
  t.same(loras({ loras: ['/edited'] }), ['/edited'])
  t.same(loras({}), ['/a'])
  t.same(loras({ loras: ['/b'] }), ['/a'], 'the folders of another library are drift')
})

t.test('an empty or foreign default root becomes the first folder, primary before extra', async (t) => {
  const { settings } = open(withFile(t, {
    libraries: { a: { folder_paths: { loras: ['/l1', '/l2'] }, extra_folder_paths: { embeddings: ['/e'], loras: ['/l3'] }, default_lora_root: '\\l2\\', default_unet_root: '/kept' } }
  }))
  t.equal(settings.get('default_lora_root'), '\\l2\\', 'slash style does not matter')
  t.equal(settings.get('default_embedding_root'), '/e')
  t.equal(settings.get('default_unet_root'), '/kept', 'without folders there is nothing to choose from')
  await settings.update({ folder_paths: { loras: ['/new'] } })
  t.equal(settings.get('default_lora_root'), '/new')
})

t.test('activation mirrors the library at the top level, is saved and told; naming the active one reloads without a write', async (t) => {
  const dir = withFile(t, { libraries: { a: { folder_paths: { loras: ['/a'] } }, b: { folder_paths: { loras: ['/b'] }, default_lora_root: '/b' } }, active_library: 'a' })
  const { settings, heard, saved } = open(dir)
  await settings.activateLibrary('b')
  t.match(saved(), { active_library: 'b', folder_paths: { loras: ['/b'] }, default_lora_root: '/b' })
  t.equal(heard[0]?.libraryActivated, true)
  t.ok(heard[0]?.keys.has('folder_paths'))
  const before = readFileSync(join(dir, 'settings.json'), 'utf8')
  await settings.activateLibrary('b')
  t.match(heard[1], { libraryActivated: true })
  t.equal(readFileSync(join(dir, 'settings.json'), 'utf8'), before)
  await t.rejects(settings.activateLibrary('c'), ofKind('not-found'))
  await t.rejects(settings.activateLibrary('toString'), ofKind('not-found'))
})

t.test('libraries are created, changed, renamed and deleted', async (t) => {
  const { settings, heard, saved } = open(withFile(t, { libraries: { a: { folder_paths: { loras: ['/a'] }, own: 1 } } }))
  t.same(await settings.saveLibrary(' b ', { folder_paths: { loras: ['/b'] }, metadata: { display_name: 'B' } }), { created: true })
  t.same(await settings.saveLibrary('b', { extra_folder_paths: { loras: ['/b2'] } }), { created: false })
  t.match(saved().libraries.b, { folder_paths: { loras: ['/b'] }, extra_folder_paths: { loras: ['/b2'] }, metadata: { display_name: 'B' }, default_lora_root: '/b' })

  await settings.renameLibrary('a', 'Main one')
  t.match(heard.at(-1), { libraryActivated: true, libraryRenamed: { from: 'a', to: 'Main one' } })
  t.equal(saved().active_library, 'Main one')
  t.equal(saved().libraries['Main one'].own, 1)
  t.same(Object.keys(settings.libraries()), ['Main one', 'b'])

  await settings.deleteLibrary('Main one')
  t.equal(settings.activeLibrary().name, 'b', 'the first of the others becomes active')
  t.equal(heard.at(-1)?.libraryActivated, true)
  await t.rejects(settings.deleteLibrary('b'), { kind: 'conflict', code: 'library-last' })
  await t.rejects(settings.deleteLibrary('a'), ofKind('not-found'))
})

t.test('names and keys that no library can have are refused', async (t) => {
  const { settings } = open(withFile(t, { libraries: { 'a b': {} } }))
  for (const name of ['', '  ', '..', 'x/y', 'x\\y', 'x\ny', 'n'.repeat(101), '__proto__']) {
    await t.rejects(settings.saveLibrary(name, {}), ofKind('invalid'), JSON.stringify(name.slice(0, 10)))
    await t.rejects(settings.renameLibrary('a b', name), ofKind('invalid'))
  }
  await t.rejects(settings.saveLibrary('A_B', {}), ofKind('conflict'), 'two names would share their files')
  await t.rejects(settings.saveLibrary('c', { executable: '/bin/sh' }), ofKind('invalid'))
  await t.rejects(settings.saveLibrary('c', { metadata: 'text' }), ofKind('invalid'))
  t.same(Object.keys(settings.libraries()), ['a b'])
})

t.test('two libraries may not share a folder, however it is spelled', async (t) => {
  const dir = withFile(t, {}, { one: {}, two: {} })
  const at = (name: string) => join(dir, name)
  symlinkSync(at('one'), at('alias'))
  const { settings } = open(dir)
  await settings.update({ folder_paths: { loras: [at('one')] } })
  for (const path of [at('one'), at('alias'), at('two') + '/../one/']) {
    await t.rejects(settings.saveLibrary('second', { folder_paths: { loras: [path] } }), { kind: 'invalid', code: 'path-taken' }, path)
  }
  await settings.saveLibrary('second', { folder_paths: { loras: [at('two')], embeddings: [at('one')] } })
  t.match(await settings.update({ folder_paths: { loras: [at('one'), at('two')] } }), { saved: false, code: 'path-taken' })
  t.same(settings.activeLibrary().library.folder_paths.loras, [at('one')], 'nothing of it is in force')
})

t.test('checkpoints and unet, primary and extra folders may not be one directory', async (t) => {
  const dir = withFile(t, {}, { all: { deep: {} }, nas: {}, extra: {}, file: {} })
  const at = (name: string) => join(dir, name)
  writeFileSync(at('plain'), '')
  symlinkSync(at('nas'), join(dir, 'all', 'nas'))
  const { settings } = open(dir)
  const refusal = async (patch: Record<string, unknown>) => {
    const outcome = await settings.update(patch)
    return outcome.saved ? undefined : outcome.code
  }
  t.equal(await refusal({ folder_paths: { checkpoints: [at('all')], unet: [at('all') + '/'] } }), 'path-shared')
  t.equal(await refusal({ folder_paths: { checkpoints: [at('all')] }, extra_folder_paths: { unet: [at('all')] } }), 'path-shared')
  for (const key of ['loras', 'checkpoints', 'unet', 'embeddings']) {
    t.equal(await refusal({ folder_paths: { [key]: [at('all')] }, extra_folder_paths: { [key]: [at('all')] } }), 'path-overlap', key)
    t.equal(await refusal({ folder_paths: { [key]: [at('all')] }, extra_folder_paths: { [key]: [at('nas')] } }), 'path-overlap', key)
  }
  t.equal(await refusal({ folder_paths: { loras: [at('plain')] } }), 'path-not-a-directory')
  t.equal(await refusal({ folder_paths: { loras: [at('all'), '/nowhere/mounted/later'] }, extra_folder_paths: { loras: [at('extra')] } }), undefined)
})

t.test('example images need an existing directory of their own', async (t) => {
  const hash = 'a'.repeat(64)
  const dir = withFile(t, {}, {
    good: { [hash]: { 'x.png': '' }, _deleted: {}, '.download_progress.json': '{}', 'Thumbs.db': '', 'my library': { [hash]: {}, _deleted: {} }, empty: {} },
    foreign: { 'a.safetensors': '', b: { c: '' }, d: '', e: '', f: '', g: '', h: '' },
    loras: { inside: {} }
  })
  const at = (name: string) => join(dir, name)
  const { settings } = open(dir)
  await settings.update({ folder_paths: { loras: [at('loras')] } })
  const refusal = async (path: string) => {
    const outcome = await settings.update({ example_images_path: path, language: 'de' })
    return outcome.saved ? undefined : outcome
  }
  t.match(await refusal('/nope/nope'), { code: 'path-missing', reason: 'Path does not exist: /nope/nope' })
  t.match(await refusal(at('settings.json')), { code: 'path-not-a-directory' })
  t.match(await refusal('relative'), { code: 'path-invalid' })
  t.match(await refusal(at('foreign')), { code: 'path-not-dedicated', reason: /: (\S+, ){4}\S+ and 2 more$/ })
  t.match(await refusal(at('loras')), { code: 'path-overlap' })
  t.match(await refusal(join(at('loras'), 'inside')), { code: 'path-overlap' })
  t.match(await refusal(dir), { code: 'path-overlap' })
  t.equal(settings.get('language'), 'en')
  t.equal(await refusal(at('good')), undefined)
  t.equal(settings.get('example_images_path'), at('good'))
  writeFileSync(join(at('good'), 'foreign.txt'), '')
  t.equal(await refusal(at('good')), undefined, 'the current value is not looked at again')
  t.equal(await refusal(''), undefined)
})

t.test('recipes_path changes only once the recipes lie where it says', async (t) => {
  const dir = withFile(t, {}, { loras: { recipes: { deep: {} } }, elsewhere: {} })
  const recipes = join(dir, 'loras', 'recipes')
  const { settings } = open(dir)
  await settings.update({ folder_paths: { loras: [join(dir, 'loras')] } })
  t.match(await settings.update({ recipes_path: 'relative' }), { saved: false, code: 'path-invalid' })
  t.match(await settings.update({ recipes_path: join(dir, 'settings.json') }), { saved: false, code: 'path-unusable' })
  t.match(await settings.update({ recipes_path: join(dir, 'elsewhere') + '/new/' }), { saved: true })
  t.equal(settings.get('recipes_path'), join(dir, 'elsewhere', 'new'))
  t.match(await settings.update({ recipes_path: '' }), { saved: true })
  writeFileSync(join(recipes, 'deep', 'a.recipe.json'), '{}')
  t.match(await settings.update({ recipes_path: join(recipes, 'inside') }), { saved: false, code: 'recipes-nested' })
  const moves: string[][] = []
  settings.onRecipesMove(async (from, to) => {
    moves.push([from, to])
    throw new ConflictError('in the way', 'destination-exists')
  })
  t.match(await settings.update({ recipes_path: join(dir, 'elsewhere') }), { saved: false, code: 'destination-exists', reason: 'in the way' })
  t.strictSame([moves, settings.get('recipes_path')], [[[recipes, join(dir, 'elsewhere')]], ''])
  await t.rejects(settings.saveLibrary('default', { recipes_path: join(dir, 'elsewhere') }), { code: 'destination-exists' })
  t.match(await settings.update({ recipes_path: recipes }), { saved: true }, 'naming the directory in use moves nothing')
  t.equal(recipesPathFrom('~/r'), join(homedir(), 'r'))
  t.equal(recipesDirectory({ recipes_path: '', folder_paths: { loras: ['/b', '/A/'] } }), '/A/recipes')
  t.equal(recipesDirectory({ recipes_path: '', folder_paths: {} }), undefined)
})

t.test('folders given for one run are in force and never saved', async (t) => {
  const dir = withFile(t, { libraries: { mine: { folder_paths: { loras: ['/mine'] } } }, active_library: 'mine', folder_paths: { loras: ['/mine'] } }, { models: { loras: {} } })
  const overlay = modelsOverlay(join(dir, 'models'), { loras: [join(dir, 'models', 'loras')] })
  t.equal(overlay.libraryName, modelsOverlay(join(dir, 'models') + '/', {}).libraryName)
  const { settings, saved } = open(dir, { modelsOverlay: overlay })
  t.equal(settings.activeLibrary().name, overlay.libraryName)
  t.equal(settings.get('write_sidecars'), 'on_edit')
  t.equal(settings.get('default_lora_root'), join(dir, 'models', 'loras'))
  t.same(Object.keys(settings.libraries()), ['mine', overlay.libraryName])
  await settings.update({ language: 'de', extra_folder_paths: { loras: ['/more'] } })
  t.same({ ...settings.get<object>('extra_folder_paths') }, { loras: ['/more'] })
  t.match(saved(), { language: 'de', active_library: 'mine', folder_paths: { loras: ['/mine'] } })
  t.notMatch(JSON.stringify(saved()), /models|on_edit|more/)
  await settings.activateLibrary(overlay.libraryName)
  await t.rejects(settings.activateLibrary('mine'), ofKind('conflict'))
  await t.rejects(settings.deleteLibrary(overlay.libraryName), ofKind('conflict'))
})

t.test('priority tags are read with aliases and broken parentheses', async (t) => {
  t.same(parsePriorityTags(' character , style( art style |drawing)\nCharacter,, pose(a|, tool)x'), [
    { canonical: 'character', aliases: [] },
    { canonical: 'style', aliases: ['art style', 'drawing'] },
    { canonical: 'posea|, toolx', aliases: [] }
  ])
  t.same(parsePriorityTags('anime(2d, real'), [{ canonical: 'anime2d', aliases: [] }, { canonical: 'real', aliases: [] }])
  const entries = parsePriorityTags('character(girl|boy), style')
  t.equal(resolvePriorityTag(entries, ['x', 'STYLE', 'Boy']), 'character')
  t.equal(resolvePriorityTag(entries, ['x', 'Style']), 'style')
  t.equal(resolvePriorityTag(entries, ['x', 'y']), 'x')
  t.equal(resolvePriorityTag(entries, []), '')
  t.same(parsePriorityTags(''), [])
})
