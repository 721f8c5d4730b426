import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t from 'tap'
import { createStateDatabase } from '../../../services/database/state.ts'
import { DomainError } from '../../../services/errors.ts'
import { createUploadShelf } from '../../../services/files/upload-shelf.ts'
import { canonicalGenParams, mergeGenParams, titleFromPrompt, withGenParamAliases } from '../../../services/recipes/gen-params.ts'
import { createMediaIntake, type MediaIntake } from '../../../services/recipes/media-intake.ts'
import { createMissingVersions, versionKey } from '../../../services/recipes/missing-versions.ts'
import { createReadablePlaces } from '../../../services/recipes/readable-places.ts'

t.test('parameters of a request overlay CivitAI\'s, which overlay the image\'s; other keys are left out', async (t) => {
  t.same(mergeGenParams({ request: { cfg: 5 }, civitai: { Sampler: 'x', negativePrompt: 'n', width: 3 }, embedded: { gen_params: { prompt: 'p', steps: 1, foo: 2 } } }),
    { prompt: 'p', steps: 1, sampler: 'x', negative_prompt: 'n', cfg_scale: 5 })
  t.same(mergeGenParams({ embedded: { seed: 1, sampler: 'euler' }, civitai: { seed: '', sampler: null, scheduler: 'karras' } }), { seed: 1, sampler: 'euler', scheduler: 'karras' }, 'nothing overlays nothing')
  t.same(mergeGenParams({ civitai: { scheduler: 'karras' } }), { scheduler: 'karras', sampler: 'karras' }, 'a scheduler is a sampler only where none is named')
  t.same(mergeGenParams({ request: { 'CFG scale': 7, cfg_scale: 6 }, embedded: null }), { cfg_scale: 6 }, 'the key itself counts before its other spellings')
  t.same(mergeGenParams({ request: JSON.parse('{"__proto__": {"steps": 1}, "constructor": 2, "prompt": ["4", 0]}') }), {}, 'values of other types and foreign keys are nothing')
})

t.test('what is stored keeps its type and the known keys; answers add known keys and keep everything', async (t) => {
  t.same(canonicalGenParams({ steps: '20', seed: 5, sampler: '', clip_skip: null, width: 3, scheduler: 'karras' }), { steps: '20', scheduler: 'karras', seed: 5 })
  t.same(canonicalGenParams([1]), {})
  t.same(withGenParamAliases({ Steps: 3, steps: '', other: { a: 1 } }), { Steps: 3, steps: 3, other: { a: 1 } })
  t.equal(titleFromPrompt('  one two\nthree 4 5 6 7 8 9 10 11 '), 'one two three 4 5 6 7 8 9 10')
  t.equal(titleFromPrompt(5), '')
})

function intakeIn (directory: string, door: Partial<Parameters<typeof createMediaIntake>[0]['door']> = {}): MediaIntake {
  return createMediaIntake({ uploads: createUploadShelf(directory), door: door as never, warn () {} })
}

t.test('base64 text becomes bytes however it is cut, with and without the head of a data URL', async (t) => {
  const directory = t.testdir()
  const intake = intakeIn(directory)
  const bytes = Buffer.from(Array.from({ length: 1000 }, (_value, at) => at % 256))
  const text = bytes.toString('base64')
  for (const whole of [text, `data:image/png;base64,${text}`, text.replaceAll(/(.{76})/g, '$1\r\n'), text.replaceAll('+', '-').replaceAll('/', '_')]) {
    for (const size of [1, 3, 7, 4096]) {
      const pieces = Array.from({ length: Math.ceil(whole.length / size) }, (_value, at) => Buffer.from(whole.slice(at * size, (at + 1) * size)))
      const file = await intake.keepBase64(Readable.from(pieces))
      t.ok(readFileSync(file).equals(bytes), `in pieces of ${size}`)
      await intake.remove(file)
    }
  }
  for (const text of ['not base64!', 'data:image/png;base64', `data:${'x'.repeat(5000)}`, 'AAAA=AAA', 'AA==AAAA']) await t.rejects(intake.keepBase64(Buffer.from(text)), { code: 'base64-invalid' }, text.slice(0, 20))
  t.same(readdirSync(directory), [], 'nothing is left behind')
})

t.test('what breaks on its way leaves no file, and a failed fetch tells nothing of the network', async (t) => {
  const directory = t.testdir()
  const reset = Object.assign(new Error('ECONNRESET 10.0.0.1'), { code: 'ECONNRESET' })
  const broken = (): Readable => Readable.from((function * () { yield Buffer.alloc(70_000); throw reset })())
  await t.rejects(intakeIn(directory).keep(broken()), { code: 'ECONNRESET' })
  const answers = [
    async () => ({ status: 404, headers: {}, body: Readable.from(['missing']), finalUrl: '' }),
    async () => { throw new DomainError('upstream', 'upstream-timeout', '10.0.0.1 does not answer') }
  ]
  for (const stream of answers) {
    await t.rejects(intakeIn(directory, { stream }).fetch('https://example.com/a.png'), { kind: 'invalid', code: 'download-failed', message: 'The image could not be downloaded' })
  }
  const huge = Readable.from((function * () { for (let at = 0; at < 300; at++) yield Buffer.alloc(1024 * 1024) })())
  await t.rejects(intakeIn(directory).keep(huge), { kind: 'too-large', code: 'media-too-large' })
  t.same(readdirSync(directory), [])
})

t.test('a version counts as deleted when CivitAI said so twice, a day apart, and never said otherwise since', async (t) => {
  let now = Date.UTC(2026, 0, 1)
  const hour = 60 * 60 * 1000
  const state = createStateDatabase(t.testdir({ modelshelf: {} }), { warn () {}, error () {}, info () {}, debug () {} } as never)
  t.teardown(() => { state.close() })
  const missing = createMissingVersions({ state, now: () => now })
  const names = { versionId: 5, hash: 'AB' }
  const said = (): boolean => { missing.note(versionKey.ofId(5)); return missing.isConfirmed(names) }
  t.notOk(missing.isConfirmed(names))
  t.notOk(said())
  now += 23 * hour
  t.notOk(said())
  now += hour
  t.ok(said())
  missing.forget(versionKey.ofId(5))
  t.notOk(said(), 'it was there in between')
  now += 30 * hour
  t.notOk(missing.isConfirmed(names), 'time alone says nothing')
  missing.note(versionKey.ofHash('ab'))
  now += 30 * hour
  missing.note(versionKey.ofHash('Ab'))
  t.ok(missing.isConfirmed({ versionId: 0, hash: 'aB' }))
})

t.test('a server for this machine reads what its user may read, another one only the places of the library', async (t) => {
  const settings = {
    get: (key: string) => key === 'example_images_path' ? '/examples' : '',
    libraries: () => ({ one: { folder_paths: { loras: ['/m/loras'] }, extra_folder_paths: { unet: ['/x/unet'] }, recipes_path: '/r' } })
  } as never
  const open = createReadablePlaces({ settings, onlyThisMachine: false, home: '/home/me' })
  for (const [given, path] of [['/m/loras/a.png', '/m/loras/a.png'], ['"/x/unet/b c.png"', '/x/unet/b c.png'], ['/r/../r/x', '/r/x'], ['~/pictures', '/home/me/pictures'], ['/examples', '/examples']] as const) t.equal(open.resolve(given), path)
  for (const given of ['/etc/passwd', '/m/loras/../../etc/passwd', '/m/loras2/a.png', '/home/other']) t.throws(() => open.resolve(given), { kind: 'forbidden', code: 'path-forbidden' }, given)
  const own = createReadablePlaces({ settings, onlyThisMachine: true, home: '/home/me' })
  t.equal(own.resolve('/mnt/pictures/a.png'), '/mnt/pictures/a.png')
  for (const given of ['', ' ', undefined, 7, 'a.png', '../a.png', '/a\0b']) t.throws(() => own.resolve(given), { name: 'DomainError', code: /invalid|missing/ }, JSON.stringify(given))
  const directory = t.testdir({ real: {}, link: t.fixture('symlink', 'real') })
  t.match(await own.real(join(directory, 'link')), /real$/)
})
